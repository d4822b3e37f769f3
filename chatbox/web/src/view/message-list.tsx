/** The message list. It scrolls along with new content, unless the user has scrolled up. */

import { useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { isAskingForHelp, isRegenerating } from '../core/requests';
import { type Row, rows } from '../core/rows';
import { type StopReason, stopText } from '../core/strings';
import type { Chat, State } from '../shell/chat';
import { DownIcon } from './icons';
import { MessageRow, Notice } from './message';
import type { Context } from './row';
import { dayOf } from './time';
import { useFollow } from './use-follow';
import { Welcome } from './welcome';

interface Props {
  chat: Chat;
  state: State;
  /** Name of the model that answers next, once the server has named any. */
  assistant: string | undefined;
  suggest: (text: string) => void;
  compose: (text: string) => void;
}

export function MessageList({ chat, state, assistant, suggest, compose }: Props) {
  const { conversation, isLoaded, stopReason } = state;
  const { transcript, outbox } = conversation;
  const list = useMemo(() => rows(conversation, dayOf), [transcript, outbox]);
  const [editing, edit] = useEditing(list);
  const context: Context = {
    chat,
    models: state.models,
    limit: state.limits.messageChars,
    isConnected: state.connection === 'connected',
    canChange: stopReason === undefined,
    isRetrying: (answer) => isRegenerating(conversation, answer),
    editing,
    edit,
    compose,
  };
  const isAsking = isAskingForHelp(conversation);
  // Whoever asks, in other words, once more or for a human, wants to see what comes of it.
  const asked = outbox.entries.length + Number(isAsking || conversation.requests.some(({ type }) => type === 'regenerate'));
  const { container, isFollowing, hasUnseen, scrollToEnd } = useFollow([transcript, outbox.entries], asked);
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
          {isEmpty && isLoaded && !stopReason && <Welcome assistant={assistant} suggest={suggest} />}
          {isEmpty && !isLoaded && !stopReason && <p class="loading">Loading your chat…</p>}
          {list.map((row) => (
            <MessageRow key={row.key} row={row} context={context} />
          ))}
          {isAsking && <p class="message system">Asking for a human…</p>}
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

/** Number of the question that is being edited, until it has gone. */
function useEditing(list: readonly Row[]): [number | undefined, (question: number | undefined) => void] {
  const [editing, edit] = useState<number | undefined>(undefined);
  const isGone = editing !== undefined && !list.some((row) => row.kind === 'question' && row.message.seq === editing);
  // At once: later, it could close what was opened meanwhile.
  useLayoutEffect(() => {
    if (isGone) edit(undefined);
  }, [isGone]);
  return [editing, edit];
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
