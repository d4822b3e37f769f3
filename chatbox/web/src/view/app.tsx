/** The whole page: header, conversation, composer, and the announcements for screen readers. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isEscape } from '../core/composition';
import { assistedBy, current, isHelpAsked } from '../core/current';
import { authorOf, DEFAULT_NAME } from '../core/models';
import { answeringModel, isAskingForHelp, isStopping } from '../core/requests';
import { failureText, noticeText, staffName, systemText } from '../core/strings';
import { writer } from '../core/typing';
import type { Model } from '../core/wire';
import type { Chat, State } from '../shell/chat';
import { Composer } from './composer';
import { Header } from './header';
import { plainText } from './markdown';
import { MessageList } from './message-list';

export function App({ chat, state }: { chat: Chat; state: State }) {
  const [draft, setDraft] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const { models, finished, conversation } = state;
  const { transcript, outbox, notice } = conversation;
  const model = answeringModel(conversation, models);
  const staff = useMemo(() => assistedBy(transcript), [transcript]);
  const assistant = staff ?? model?.name ?? DEFAULT_NAME;
  const isEmpty = transcript.messages.length + transcript.live.length + outbox.entries.length === 0;
  const isWriting = transcript.live.length > 0;
  const { isAnswering } = useMemo(() => current(transcript, outbox), [transcript, outbox]);
  useStopByEscape(chat, isAnswering);
  useEffect(() => {
    if (staff || model) document.title = `Chat with ${assistant}`;
  }, [model?.name, staff]);

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
      <Header
        state={state}
        assistant={assistant}
        model={model}
        isAssisted={staff !== undefined}
        chooseModel={(id) => chat.chooseModel(id)}
        canStartAnew={!isEmpty || notice !== undefined}
        newChat={newChat}
      />
      <MessageList
        key={state.conversation.session}
        chat={chat}
        state={state}
        assistant={model?.name}
        suggest={suggest}
        compose={compose}
      />
      <Composer
        text={draft}
        setText={setDraft}
        send={(text) => chat.send(text)}
        isAnswering={isAnswering}
        isStopping={isStopping(conversation)}
        stop={() => chat.stopAnswer()}
        disabled={state.stopReason !== undefined}
        assistant={assistant}
        isAssisted={staff !== undefined}
        writer={writer(conversation)}
        isHelpAsked={isAskingForHelp(conversation) || isHelpAsked(transcript)}
        requestHelp={() => chat.requestHelp()}
        onType={() => chat.typed()}
        limit={state.limits.messageChars}
        input={input}
      />
      <p class="visually-hidden" aria-live="polite">
        {useMemo(() => announcement(isWriting, finished, models), [isWriting, finished, models])}
      </p>
      <p class="visually-hidden" role="status">
        {notice && noticeText(notice)}
      </p>
    </>
  );
}

/** Escape stops the answer, unless it closes something that is open. */
function useStopByEscape(chat: Chat, isAnswering: boolean): void {
  useEffect(() => {
    if (!isAnswering) return undefined;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (!isEscape(event) || event.defaultPrevented || isOpenList(event.target)) return;
      event.preventDefault();
      chat.stopAnswer();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [chat, isAnswering]);
}

/** Whether the list of a `select` is open. Older browsers do not say it. */
function isOpenList(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLSelectElement)) return false;
  try {
    return target.matches(':open');
  } catch {
    return true;
  }
}

/** For screen readers: that an answer has begun, and then the whole of it, never its parts; and what staff do and say. */
function announcement(isWriting: boolean, finished: State['finished'], models: readonly Model[]): string {
  // Of several models it is not known yet which one writes.
  if (isWriting) return `${authorOf(models, undefined)} is writing`;
  if (!finished) return '';
  if (finished.kind) return systemText(finished);
  if (finished.sender === 'admin') return `${staffName(finished.name)} says: ${finished.text}`;
  if (finished.status === 'cancelled') return 'Answer stopped';
  const author = authorOf(models, finished.model);
  return [`${author} says:`, plainText(finished.text), failureText(finished.status)].filter(Boolean).join(' ');
}
