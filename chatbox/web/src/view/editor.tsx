/** The newest question in other words: a field in its place, with its text. */

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isEscape } from '../core/composition';
import { lengthOf } from '../core/outbox';
import { Count, isNearLimit } from './count';
import { useComposition, useFitHeight } from './field';
import { useFocusHome } from './focus';

interface Props {
  original: string;
  /** The longest message, in characters. */
  limit: number;
  /** The question may be replaced now. */
  isPossible: boolean;
  /** `false` when the text was not accepted. */
  send: (text: string) => boolean;
  close: () => void;
  /** The question has gone, and with it this field: what was written in it must not be lost. */
  rescue: (text: string) => void;
}

export function Editor({ original, limit, isPossible, send, close, rescue }: Props) {
  const [text, setText] = useState(original);
  const box = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  /** Nothing of the text is to be rescued any more. */
  const isDone = useRef(false);
  const written = useRef(text);
  written.current = text;
  const composition = useComposition(input);
  useFitHeight(input, text);
  useFocusHome(box);
  useLayoutEffect(() => {
    input.current?.focus();
    input.current?.setSelectionRange(original.length, original.length);
    return () => {
      if (!isDone.current && written.current !== original) rescue(written.current);
    };
  }, []);

  const length = lengthOf(text);
  const canSend = isPossible && length > 0 && length <= limit;
  const submit = (): void => {
    if (canSend && send(input.current?.value ?? text)) isDone.current = true;
  };
  const cancel = (): void => {
    isDone.current = true;
    close();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isEnter = composition.keyDown(event);
    if (isEscape(event)) cancel();
    else if (isEnter && !event.shiftKey) submit();
    else return;
    event.preventDefault();
  };

  return (
    <div class="editor" ref={box}>
      <textarea
        ref={input}
        rows={1}
        dir="auto"
        value={text}
        aria-label="Edit your message"
        aria-describedby="editor-hint"
        aria-invalid={length > limit}
        enterkeyhint="send"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <p class="meta" id="editor-hint">
        {isNearLimit(length, limit) ? <Count length={length} limit={limit} /> : <span>{hintOf(isPossible)}</span>}
      </p>
      <p class="buttons">
        <button type="button" class="secondary" onClick={cancel}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={!canSend} onClick={submit}>
          Send
        </button>
      </p>
    </div>
  );
}

function hintOf(isPossible: boolean): string {
  return isPossible ? 'Sending replaces this question and its answer.' : 'This message cannot be changed at the moment.';
}
