import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { troubleWords } from '../core/words';
import type { Chat, State } from '../shell/chat';
import { Composer } from './composer';
import { Header } from './header';
import { plain } from './markdown';
import { Messages } from './messages';

const NAMELESS = 'Assistant';

export function App({ chat, state }: { chat: Chat; state: State }) {
  const [draft, setDraft] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const assistant = state.assistant ?? NAMELESS;
  const { transcript, outbox } = state.conversation;
  const isEmpty = transcript.messages.length + transcript.live.length + outbox.entries.length === 0;
  const isWriting = transcript.live.length > 0;
  const { finished } = state;
  useEffect(() => {
    if (state.assistant) document.title = `Chat with ${state.assistant}`;
  }, [state.assistant]);

  useEffect(() => {
    // Where there is a keyboard, it can be used at once; on a screen one would come up over the page.
    if (matchMedia('(pointer: fine)').matches) input.current?.focus();
  }, []);

  const suggest = (text: string): void => {
    setDraft(text);
    input.current?.focus();
  };
  const newChat = (): void => {
    chat.newChat();
    input.current?.focus();
  };

  return (
    <>
      <Header state={state} assistant={assistant} isEmpty={isEmpty} newChat={newChat} />
      <Messages key={state.conversation.session} chat={chat} state={state} assistant={assistant} suggest={suggest} />
      <Composer
        text={draft}
        write={setDraft}
        send={(text) => chat.send(text)}
        disabled={state.stop !== undefined}
        assistant={assistant}
        input={input}
      />
      <p class="visually-hidden" aria-live="polite">
        {useMemo(() => spoken(isWriting, finished, assistant), [isWriting, finished, assistant])}
      </p>
    </>
  );
}

/** What a screen reader says: that an answer has begun, and then the whole of it, never its pieces. */
function spoken(isWriting: boolean, finished: State['finished'], assistant: string): string {
  if (isWriting) return `${assistant} is writing`;
  if (!finished) return '';
  const trouble = finished.status === 'complete' ? '' : troubleWords(finished.status);
  return `${assistant} says: ${plain(finished.text)} ${trouble}`;
}
