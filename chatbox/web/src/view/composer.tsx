/** The composer: the input field, the buttons that send and stop, and a hint below them. */

import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { lengthOf } from '../core/outbox';
import { Count, isNearLimit } from './count';
import { useComposition, useFitHeight } from './field';
import { useFocusHome } from './focus';
import { SendIcon, StopIcon } from './icons';

interface Props {
  text: string;
  setText: (text: string) => void;
  /** `false` when the text was not accepted. */
  send: (text: string) => boolean;
  /** An answer is being written or waited for, which the person may stop; or has asked to. */
  isAnswering: boolean;
  isStopping: boolean;
  stop: () => void;
  disabled: boolean;
  assistant: string;
  /** The longest message, in characters. */
  limit: number;
  input: RefObject<HTMLTextAreaElement | null>;
}

export function Composer(props: Props) {
  const { text, setText, send, isAnswering, isStopping, stop, disabled, assistant, limit, input } = props;
  const length = lengthOf(text);
  const isTooLong = length > limit;
  const canSend = !disabled && length > 0 && !isTooLong;
  const canStop = isAnswering && !disabled;
  const composition = useComposition(input);
  useFitHeight(input, text);

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
          {canStop && <StopButton isStopping={isStopping} stop={stop} />}
          {(length > 0 || !canStop) && (
            <button type="button" id="send-btn" disabled={!canSend} onClick={submit} aria-label="Send" title="Send">
              <SendIcon />
            </button>
          )}
        </div>
        <p class="hint" id="message-hint">
          {isNearLimit(length, limit) ? <Count length={length} limit={limit} /> : !disabled && <Hint />}
        </p>
      </div>
    </footer>
  );
}

/** It keeps the focus until the answer has ended: a second press must not reach something else. */
function StopButton({ isStopping, stop }: { isStopping: boolean; stop: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useFocusHome(button);
  return (
    <button
      type="button"
      id="stop-btn"
      ref={button}
      aria-disabled={isStopping}
      aria-label={isStopping ? 'Stopping the answer' : 'Stop the answer'}
      aria-keyshortcuts="Escape"
      title="Stop (Esc)"
      onClick={stop}
    >
      <StopIcon />
    </button>
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
