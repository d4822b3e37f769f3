/** Scrolls a list along with its end, as long as the person does not look elsewhere. */

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Follow, isUpKey, type View } from '../core/follow';

/** `content`: what changes when the list does. `sent` grows when the person asks, which always shows the end. */
export function useFollow(content: unknown[], sent: number) {
  const container = useRef<HTMLDivElement>(null);
  const follow = useRef(new Follow()).current;
  const sentBefore = useRef(sent);
  const [isFollowing, setFollowing] = useState(true);
  const [hasUnseen, setUnseen] = useState(false);

  const show = (): void => {
    setFollowing(follow.isFollowing);
    if (follow.isFollowing) setUnseen(false);
  };
  const keepUp = (): void => {
    const box = container.current;
    if (!box) return;
    follow.look(viewOf(box));
    if (follow.isFollowing) {
      box.scrollTop = box.scrollHeight;
      follow.look(viewOf(box));
    }
    show();
  };
  const scrollToEnd = (): void => {
    follow.resume();
    keepUp();
  };

  useLayoutEffect(() => {
    const box = container.current;
    return box ? listen(box, follow, show, keepUp) : undefined;
  }, []);

  useLayoutEffect(() => {
    if (sent > sentBefore.current) follow.resume();
    sentBefore.current = sent;
    keepUp();
    if (!follow.isFollowing) setUnseen(true);
  }, [...content, sent]);

  return { container, isFollowing, hasUnseen, scrollToEnd };
}

function listen(box: HTMLElement, follow: Follow, show: () => void, keepUp: () => void): () => void {
  const stop = new AbortController();
  const on = <T extends Event>(type: string, listener: (event: T) => void): void =>
    box.addEventListener(type, listener as EventListener, { passive: true, signal: stop.signal });
  const up = (): void => {
    follow.up(viewOf(box));
    show();
  };
  let touchedAt = 0;
  on<Event>('scroll', () => {
    follow.look(viewOf(box));
    show();
  });
  on<WheelEvent>('wheel', ({ deltaY, ctrlKey }) => deltaY < 0 && !ctrlKey && up());
  on<KeyboardEvent>('keydown', (event) => isUpKey(event) && up());
  on<TouchEvent>('touchstart', ({ touches }) => (touchedAt = touches[0]?.clientY ?? 0));
  on<TouchEvent>('touchmove', ({ touches }) => {
    const y = touches[0]?.clientY ?? touchedAt;
    if (y > touchedAt) up();
    touchedAt = y;
  });
  // The window, and what grows without a new rendering.
  const observer = new ResizeObserver(keepUp);
  observer.observe(box);
  if (box.firstElementChild) observer.observe(box.firstElementChild);
  return () => {
    stop.abort();
    observer.disconnect();
  };
}

function viewOf({ scrollTop, clientHeight, scrollHeight }: HTMLElement): View {
  return { top: scrollTop, height: clientHeight, total: scrollHeight };
}
