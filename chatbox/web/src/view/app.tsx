/** The whole page: header, conversation, composer, and the announcements for screen readers. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { failureText } from '../core/strings';
import type { Chat, State } from '../shell/chat';
import { Composer } from './composer';
import { Header } from './header';
import { plainText } from './markdown';
import { MessageList } from './message-list';

const DEFAULT_NAME = 'Assistant';

export function App({ chat, state }: { chat: Chat; state: State }) {
  const [draft, setDraft] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const assistant = state.assistant ?? DEFAULT_NAME;
  const { transcript, outbox, notice } = state.conversation;
  const isEmpty = transcript.messages.length + transcript.live.length + outbox.entries.length === 0;
  const isAnswering = transcript.live.length > 0;
  const { finished } = state;
  useEffect(() => {
    if (state.assistant) document.title = `Chat with ${state.assistant}`;
  }, [state.assistant]);

  useEffect(() => {
    // On a touch screen the focus would open the keyboard over the page.
    if (matchMedia('(pointer: fine)').matches) input.current?.focus();
  }, []);

  const suggest = (text: string): void => {
    setDraft(text);
    input.current?.focus();
  };
  const compose = (text: string): void => {
    setDraft((draft) => (draft.trim() ? `${text}\n${draft}` : text));
    input.current?.focus();
  };
  const newChat = (): void => {
    chat.newChat();
    input.current?.focus();
  };

  return (
    <>
      <Header state={state} assistant={assistant} canStartAnew={!isEmpty || notice !== undefined} newChat={newChat} />
      <MessageList
        key={state.conversation.session}
        chat={chat}
        state={state}
        assistant={assistant}
        suggest={suggest}
        compose={compose}
      />
      <Composer
        text={draft}
        setText={setDraft}
        send={(text) => chat.send(text)}
        disabled={state.stopReason !== undefined}
        assistant={assistant}
        limit={state.limits.messageChars}
        input={input}
      />
      <p class="visually-hidden" aria-live="polite">
        {useMemo(() => announcement(isAnswering, finished, assistant), [isAnswering, finished, assistant])}
      </p>
    </>
  );
}

/** For screen readers: that an answer has begun, and then the whole of it, never its parts. */
function announcement(isAnswering: boolean, finished: State['finished'], assistant: string): string {
  if (isAnswering) return `${assistant} is writing`;
  if (!finished) return '';
  return [`${assistant} says:`, plainText(finished.text), failureText(finished.status)].filter(Boolean).join(' ');
}
