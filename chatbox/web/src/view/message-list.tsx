/** The message list. It scrolls along with new content, unless the user has scrolled up. */

import { useMemo } from 'preact/hooks';
import { rows } from '../core/rows';
import { type StopReason, stopText } from '../core/strings';
import type { Chat, State } from '../shell/chat';
import { DownIcon } from './icons';
import { type Context, MessageRow, Notice } from './message';
import { dayOf } from './time';
import { useFollow } from './use-follow';
import { Welcome } from './welcome';

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
  const { container, isFollowing, hasUnseen, scrollToEnd } = useFollow([transcript, outbox.entries], outbox.entries.length);
  const goToEnd = (): void => {
    scrollToEnd();
    // The button goes away, and the keyboard must not be left nowhere.
    container.current?.focus({ preventScroll: true });
  };
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
      {!isFollowing && (
        <button type="button" class="scroll-to-end" onClick={goToEnd}>
          <DownIcon />
          {hasUnseen ? 'New messages' : 'Go to the end'}
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
