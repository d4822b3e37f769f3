/** The composer: the input field, the send button, and a hint below them. */

import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Composition } from '../core/composition';
import { lengthOf } from '../core/outbox';
import { SendIcon } from './icons';

/** The count appears when so much of the limit is used. */
const SHOW_COUNT_FROM = 0.9;

interface Props {
  text: string;
  setText: (text: string) => void;
  /** `false` when the text was not accepted. */
  send: (text: string) => boolean;
  disabled: boolean;
  assistant: string;
  /** The longest message, in characters. */
  limit: number;
  input: RefObject<HTMLTextAreaElement | null>;
}

export function Composer({ text, setText, send, disabled, assistant, limit, input }: Props) {
  const length = lengthOf(text);
  const isTooLong = length > limit;
  const canSend = !disabled && length > 0 && !isTooLong;
  useLayoutEffect(() => fitHeight(input.current), [text]);

  const composition = useComposition(input);

  const submit = (): void => {
    // The end of a composition may be newer than the last rendering.
    if (canSend && send(input.current?.value ?? text)) setText('');
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isEnter = composition.keyDown(event);
    if (!isEnter || event.shiftKey) return;
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
            placeholder={disabled ? 'Not connected' : `Message ${assistant}`}
            dir="auto"
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
          {length >= limit * SHOW_COUNT_FROM ? <Count length={length} limit={limit} /> : !disabled && <Hint />}
        </p>
      </div>
    </footer>
  );
}

/** Follows the input method in the field. */
function useComposition(input: RefObject<HTMLTextAreaElement | null>): Composition {
  const composition = useRef<Composition | null>(null);
  composition.current ??= new Composition(/Android/i.test(navigator.userAgent));
  const state = composition.current;
  useEffect(() => {
    const field = input.current;
    const listeners: [string, (event: Event) => void][] = [
      ['compositionstart', () => state.started()],
      ['compositionend', ({ timeStamp }) => state.ended(timeStamp)],
      ['keyup', (event) => state.keyUp((event as KeyboardEvent).key)],
      ['blur', () => state.left()],
    ];
    for (const [type, listener] of listeners) field?.addEventListener(type, listener);
    return () => {
      for (const [type, listener] of listeners) field?.removeEventListener(type, listener);
    };
  }, []);
  return state;
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

function Count({ length, limit }: { length: number; limit: number }) {
  const isTooLong = length > limit;
  const number = new Intl.NumberFormat();
  return (
    <span class={isTooLong ? 'error' : undefined} role="status">
      {number.format(length)} of {number.format(limit)} characters
      {isTooLong && `: ${number.format(length - limit)} too many to send`}
    </span>
  );
}

/** Makes the field as high as its text; the style sheet sets the maximum. */
function fitHeight(input: HTMLTextAreaElement | null): void {
  if (!input) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
