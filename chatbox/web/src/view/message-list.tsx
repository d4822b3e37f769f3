/** The message list. It scrolls along with new content, unless the user has scrolled up. */

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { rows } from '../core/rows';
import { type StopReason, stopText } from '../core/strings';
import type { Chat, State } from '../shell/chat';
import { DownIcon } from './icons';
import { type Context, MessageRow, Notice } from './message';
import { dayOf } from './time';
import { Welcome } from './welcome';

/** This close to the end counts as being at the end. */
const END_TOLERANCE_PX = 64;

interface Props {
  chat: Chat;
  state: State;
  assistant: string;
  suggest: (text: string) => void;
  compose: (text: string) => void;
}

export function MessageList({ chat, state, assistant, suggest, compose }: Props) {
  const { conversation, isLoaded, stopReason } = state;
  const context: Context = { chat, assistant, compose, isConnected: state.connection === 'connected' };
  const { transcript, outbox } = conversation;
  const list = useMemo(() => rows(conversation, dayOf), [transcript, outbox]);
  const { container, hasUnseen, scrollToEnd } = useAutoScroll([transcript, outbox.entries], outbox.entries.length);
  const isEmpty = list.length === 0;
  return (
    <main class="conversation">
      <div
        id="messages-container"
        ref={container}
        class="scroll"
        role="log"
        aria-live="off"
        aria-label="Conversation"
        aria-busy={!isLoaded}
        tabIndex={0}
      >
        <div class="column">
          {isEmpty && isLoaded && !stopReason && <Welcome assistant={state.assistant} suggest={suggest} />}
          {isEmpty && !isLoaded && !stopReason && <p class="loading">Loading your chat…</p>}
          {list.map((row) => (
            <MessageRow key={row.key} row={row} context={context} />
          ))}
          {conversation.notice && <Notice code={conversation.notice} />}
          {stopReason && <Stopped reason={stopReason} connectAgain={() => chat.connectAgain()} />}
        </div>
      </div>
      {hasUnseen && (
        <button type="button" class="scroll-to-end" onClick={scrollToEnd}>
          <DownIcon />
          New messages
        </button>
      )}
    </main>
  );
}

function Stopped({ reason, connectAgain }: { reason: StopReason; connectAgain: () => void }) {
  const { title, text, canConnectAgain } = stopText(reason);
  return (
    <section class="card" role="alert">
      <h2>{title}</h2>
      <p>{text}</p>
      {canConnectAgain && (
        <button type="button" class="primary" onClick={connectAgain}>
          Connect again
        </button>
      )}
    </section>
  );
}

/** Keeps the end in view. `pendingCount` grows when the user sends a message, which always scrolls to the end. */
function useAutoScroll(content: unknown[], pendingCount: number) {
  const container = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const before = useRef(pendingCount);
  const [hasUnseen, setUnseen] = useState(false);

  const scrollToEnd = (): void => {
    isAtEnd.current = true;
    setUnseen(false);
    container.current?.scrollTo({ top: container.current.scrollHeight });
  };

  useLayoutEffect(() => {
    const box = container.current;
    if (!box) return undefined;
    const onScroll = (): void => {
      isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < END_TOLERANCE_PX;
      if (isAtEnd.current) setUnseen(false);
    };
    const onResize = (): void => {
      if (isAtEnd.current) box.scrollTop = box.scrollHeight;
    };
    const observer = new ResizeObserver(onResize);
    observer.observe(box);
    box.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', onScroll);
    };
  }, []);

  useLayoutEffect(() => {
    const hasSent = pendingCount > before.current;
    before.current = pendingCount;
    if (isAtEnd.current || hasSent) scrollToEnd();
    else setUnseen(true);
  }, [...content, pendingCount]);

  return { container, hasUnseen, scrollToEnd };
}
