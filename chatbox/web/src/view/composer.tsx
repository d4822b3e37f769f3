/** The composer: the input field, the buttons that send and stop, and a hint below them. */

import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { lengthOf } from '../core/outbox';
import { Count, isNearLimit } from './count';
import { useComposition, useFitHeight } from './field';
import { focusHome, useFocusHome } from './focus';
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
  /** Whom the person writes to, and whether that is a member of staff; `writer`: the same while writing. */
  assistant: string;
  isAssisted: boolean;
  writer: string | undefined;
  /** A human was asked for, or is there. */
  isHelpAsked: boolean;
  requestHelp: () => void;
  /** The person types. */
  onType: () => void;
  /** The longest message, in characters. */
  limit: number;
  input: RefObject<HTMLTextAreaElement | null>;
}

export function Composer(props: Props) {
  const { text, setText, send, isAnswering, isStopping, stop, disabled, assistant, isAssisted, limit, input } = props;
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
            onInput={(event) => {
              setText(event.currentTarget.value);
              props.onType();
            }}
            onKeyDown={onKeyDown}
          />
          {canStop && <StopButton isStopping={isStopping} stop={stop} />}
          {(length > 0 || !canStop) && (
            <button type="button" id="send-btn" disabled={!canSend} onClick={submit} aria-label="Send" title="Send">
              <SendIcon />
            </button>
          )}
        </div>
        <div class="hint">
          <p id="message-hint">
            {isNearLimit(length, limit) ? <Count length={length} limit={limit} /> : !disabled && <Hint isAssisted={isAssisted} />}
          </p>
          {props.writer && (
            <p id="staff-typing">
              <bdi>{props.writer}</bdi> is writing…
            </p>
          )}
          <HelpButton disabled={disabled || props.isHelpAsked} requestHelp={props.requestHelp} />
        </div>
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

function HelpButton({ disabled, requestHelp }: { disabled: boolean; requestHelp: () => void }) {
  const onClick = (): void => {
    requestHelp();
    // A button that is disabled has no focus.
    focusHome();
  };
  return (
    <button type="button" id="help-btn" class="link" disabled={disabled} onClick={onClick}>
      Talk to a human
    </button>
  );
}

function Hint({ isAssisted }: { isAssisted: boolean }) {
  return (
    <>
      {!isAssisted && <span>AI can be wrong. Check what matters.</span>}
      <span class="keys">
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd> + <kbd>Enter</kbd> starts a new line
      </span>
    </>
  );
}
