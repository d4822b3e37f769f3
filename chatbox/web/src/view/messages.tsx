/** The conversation: it follows its end while the reader is there, and stays where the reader scrolled to else. */

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { rows } from '../core/rows';
import { type Stop, stopWords } from '../core/words';
import type { Chat, State } from '../shell/chat';
import { Bubble, Notice } from './bubble';
import { DownIcon } from './icons';
import { dayOf } from './time';
import { Welcome } from './welcome';

/** So close to the end counts as being there. */
const NEAR_PX = 64;

interface Props {
  chat: Chat;
  state: State;
  assistant: string;
  suggest: (text: string) => void;
}

export function Messages({ chat, state, assistant, suggest }: Props) {
  const { conversation, loaded } = state;
  const { transcript, outbox } = conversation;
  const list = useMemo(() => rows(conversation, dayOf), [transcript, outbox]);
  const { container, unseen, toEnd } = useFollow([transcript, outbox.entries], outbox.entries.length);
  const isEmpty = list.length === 0;
  return (
    <main class="stage">
      <div
        id="messages-container"
        ref={container}
        class="scroll"
        role="log"
        aria-live="off"
        aria-label="Conversation"
        aria-busy={!loaded}
        tabIndex={0}
      >
        <div class="column">
          {isEmpty && loaded && !state.stop && <Welcome assistant={state.assistant} suggest={suggest} />}
          {isEmpty && !loaded && !state.stop && <p class="loading">Loading your chat…</p>}
          {list.map((row) => (
            <Bubble key={row.key} row={row} chat={chat} assistant={assistant} connected={state.link === 'connected'} />
          ))}
          {conversation.notice && <Notice code={conversation.notice} />}
          {state.stop && <Stopped stop={state.stop} />}
        </div>
      </div>
      {unseen && (
        <button type="button" class="to-end" onClick={toEnd}>
          <DownIcon />
          New messages
        </button>
      )}
    </main>
  );
}

function Stopped({ stop }: { stop: Stop }) {
  const { title, text } = stopWords(stop);
  return (
    <section class="card" role="alert">
      <h2>{title}</h2>
      <p>{text}</p>
    </section>
  );
}

/** Keeps the end in view; `sending` rises when the reader sends, which always leads to the end. */
function useFollow(content: unknown[], sending: number) {
  const container = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const before = useRef(sending);
  const [unseen, setUnseen] = useState(false);

  const toEnd = (): void => {
    following.current = true;
    setUnseen(false);
    container.current?.scrollTo({ top: container.current.scrollHeight });
  };

  useLayoutEffect(() => {
    const box = container.current;
    if (!box) return undefined;
    const onScroll = (): void => {
      following.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
      if (following.current) setUnseen(false);
    };
    const onResize = (): void => {
      if (following.current) box.scrollTop = box.scrollHeight;
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
    const justSent = sending > before.current;
    before.current = sending;
    if (following.current || justSent) toEnd();
    else setUnseen(true);
  }, [...content, sending]);

  return { container, unseen, toEnd };
}
