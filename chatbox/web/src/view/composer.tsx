/** The composer: the input field, the send button, and a hint below them. */

import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { MAX_CONTENT } from '../core/wire';
import { SendIcon } from './icons';

/** The count appears near the limit. */
const SHOW_COUNT_FROM = MAX_CONTENT - 1_000;

interface Props {
  text: string;
  setText: (text: string) => void;
  /** `false` when the text was not accepted. */
  send: (text: string) => boolean;
  disabled: boolean;
  assistant: string;
  input: RefObject<HTMLTextAreaElement | null>;
}

export function Composer({ text, setText, send, disabled, assistant, input }: Props) {
  const length = text.trim().length;
  const isTooLong = length > MAX_CONTENT;
  const canSend = !disabled && length > 0 && !isTooLong;
  useLayoutEffect(() => fitHeight(input.current), [text]);

  const submit = (): void => {
    if (canSend && send(text)) setText('');
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method is composing, Enter accepts its suggestion.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };

  return (
    <footer class="composer">
      <div class="column">
        <div class="field">
          <label class="visually-hidden" for="message-input">
            Your message
          </label>
          <textarea
            id="message-input"
            ref={input}
            rows={1}
            placeholder={disabled ? 'This chat is closed' : `Message ${assistant}`}
            value={text}
            disabled={disabled}
            aria-describedby="message-hint"
            aria-invalid={isTooLong}
            enterkeyhint="send"
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={onKeyDown}
          />
          <button type="button" id="send-btn" disabled={!canSend} onClick={submit} aria-label="Send" title="Send">
            <SendIcon />
          </button>
        </div>
        <p class="hint" id="message-hint">
          {length >= SHOW_COUNT_FROM ? <Count length={length} isTooLong={isTooLong} /> : !disabled && <Hint />}
        </p>
      </div>
    </footer>
  );
}

function Hint() {
  return (
    <>
      <span>AI can be wrong. Check what matters.</span>
      <span class="keys">
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd> + <kbd>Enter</kbd> starts a new line
      </span>
    </>
  );
}

function Count({ length, isTooLong }: { length: number; isTooLong: boolean }) {
  const number = new Intl.NumberFormat();
  return (
    <span class={isTooLong ? 'error' : undefined} role="status">
      {number.format(length)} of {number.format(MAX_CONTENT)} characters
      {isTooLong && `: ${number.format(length - MAX_CONTENT)} too many to send`}
    </span>
  );
}

/** Makes the field as high as its text; the style sheet sets the maximum. */
function fitHeight(input: HTMLTextAreaElement | null): void {
  if (!input) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
