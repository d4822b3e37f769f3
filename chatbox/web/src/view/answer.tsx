/** An answer, while it is being written and after. */

import { useRef } from 'preact/hooks';
import { authorOf } from '../core/models';
import type { Row } from '../core/rows';
import { failureText, staffName } from '../core/strings';
import type { Status } from '../core/wire';
import { Boundary } from './boundary';
import { useFocusHome } from './focus';
import { RetryIcon } from './icons';
import { MarkdownText, PlainText } from './markdown-text';
import { type Context, Meta } from './row';

type AnswerRow = Row & { kind: 'answer' };

/** Ends of an answer that are no faults. */
const REMARKS: ReadonlySet<Status> = new Set(['length', 'refusal', 'cancelled', 'superseded']);

export function Answer({ row, context }: { row: Row & { kind: 'live' | 'answer' }; context: Context }) {
  const isLive = row.kind === 'live';
  const { text, at, model } = isLive ? row.live : row.message;
  const isFromTeam = !isLive && row.message.sender === 'admin';
  const author = isFromTeam ? staffName(row.message.name) : authorOf(context.models, model);
  return (
    <article class="message ai" aria-busy={isLive}>
      <span class="visually-hidden">{author}:</span>
      {(text || isLive) && <div class="bubble">{content(row)}</div>}
      {!isLive && <Failure row={row} context={context} />}
      {!isLive && (
        <Meta at={at}>
          {(isFromTeam || (model && context.models.length > 1)) && <bdi class="model">{author}</bdi>}
          {offersRetry(row, context) && <RetryButton row={row} context={context} kind="quiet" />}
        </Meta>
      )}
    </article>
  );
}

function content(row: Row & { kind: 'live' | 'answer' }) {
  const isLive = row.kind === 'live';
  const { text } = isLive ? row.live : row.message;
  if (!text) return <TypingIndicator />;
  // What a human typed is no Markdown.
  return !isLive && row.message.sender === 'admin' ? <PlainText text={text} /> : <AnswerText text={text} isLive={isLive} />;
}

function AnswerText(props: { text: string; isLive: boolean }) {
  return (
    <Boundary fallback={<PlainText text={props.text} />}>
      <MarkdownText {...props} />
    </Boundary>
  );
}

/** Whether the line below an answer offers another one. One that failed offers it where it says why. */
function offersRetry({ message, again }: AnswerRow, { canChange, models }: Context): boolean {
  if (!again || !canChange) return false;
  // Another model may take what this one does not.
  return message.status === 'complete' || (again.mustChange && models.length > 1);
}

interface RetryProps {
  row: AnswerRow;
  context: Context;
  kind: 'quiet' | 'retry';
}

function RetryButton({ row: { message }, context: { chat, isRetrying }, kind }: RetryProps) {
  const button = useRef<HTMLButtonElement>(null);
  useFocusHome(button);
  return (
    <button
      type="button"
      class={kind}
      ref={button}
      aria-disabled={isRetrying(message.seq)}
      onClick={() => chat.regenerate(message.seq)}
    >
      <RetryIcon />
      Try again
    </button>
  );
}

function Failure({ row, context }: { row: AnswerRow; context: Context }) {
  const { message, failureCode } = row;
  const again = context.canChange ? row.again : undefined;
  if (message.status === 'complete') return null;
  const isRemark = REMARKS.has(message.status);
  return (
    <p class={isRemark ? 'failure remark' : 'failure'}>
      <span>{failureText(message.status, failureCode)}</span>
      {again?.mustChange && (
        <button type="button" class="retry" onClick={() => context.edit(again.question)}>
          Edit question
        </button>
      )}
      {again?.mustChange === false && <RetryButton row={row} context={context} kind="retry" />}
    </p>
  );
}

function TypingIndicator() {
  return (
    <span class="typing" role="img" aria-label="Writing">
      <i />
      <i />
      <i />
    </span>
  );
}
