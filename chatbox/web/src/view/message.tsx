/** One row of the message list. */

import type { ComponentChildren } from 'preact';
import type { Rejection } from '../core/outbox';
import type { Row } from '../core/rows';
import { failureText, noticeText, rejectionText } from '../core/strings';
import type { Chat } from '../shell/chat';
import { Boundary } from './boundary';
import { RetryIcon } from './icons';
import { MarkdownText, PlainText } from './markdown-text';
import { clockTime, dayName, fullTime } from './time';

/** What every row may need. */
export interface Context {
  chat: Chat;
  assistant: string;
  isConnected: boolean;
  /** Brings a text into the composer, before what has been written there. */
  compose: (text: string) => void;
}

/** A row. What cannot be drawn is shown as plain text, and all other rows are drawn as ever. */
export function MessageRow({ row, context }: { row: Row; context: Context }) {
  return (
    <Boundary fallback={<article class="message system" dir="auto">{textOf(row)}</article>}>
      <Drawn row={row} context={context} />
    </Boundary>
  );
}

function textOf(row: Row): string {
  switch (row.kind) {
    case 'date':
      return '';
    case 'pending':
      return row.entry.content;
    case 'live':
      return row.live.text;
    default:
      return row.message.text;
  }
}

function Drawn({ row, context }: { row: Row; context: Context }) {
  switch (row.kind) {
    case 'date':
      return <p class="date">{dayName(row.at, new Date(context.chat.now()))}</p>;
    case 'system':
      return <p class="message system" dir="auto">{row.message.text}</p>;
    case 'question':
    case 'pending':
      return <Question row={row} context={context} />;
    case 'live':
    case 'answer':
      return <Answer row={row} context={context} />;
  }
}

export function Notice({ code }: { code: string }) {
  return <p class="message system">{noticeText(code)}</p>;
}

/** A message of the user, before and after it was stored: one component, so that nothing moves in between. */
function Question({ row, context }: { row: Row & { kind: 'question' | 'pending' }; context: Context }) {
  const isRejected = row.kind === 'pending' && row.entry.rejection !== undefined;
  return (
    <article class="message user" data-state={isRejected ? 'rejected' : row.kind}>
      <span class="visually-hidden">You:</span>
      <div class="bubble" dir="auto">
        {row.kind === 'question' ? row.message.text : row.entry.content}
      </div>
      {row.kind === 'question' ? (
        <Meta at={row.message.at}>{row.isLatest && 'Sent'}</Meta>
      ) : row.entry.rejection ? (
        <RejectionMeta clientId={row.entry.clientId} rejection={row.entry.rejection} context={context} />
      ) : (
        <p class="meta">{pendingText(row.isInFlight, context.isConnected)}</p>
      )}
    </article>
  );
}

function pendingText(isInFlight: boolean, isConnected: boolean): string {
  if (!isConnected) return 'Will be sent when the connection is back';
  return isInFlight ? 'Sending…' : 'Waiting…';
}

interface RejectionProps {
  clientId: string;
  rejection: Rejection;
  context: Context;
}

function RejectionMeta({ clientId, rejection, context: { chat, compose } }: RejectionProps) {
  return (
    <p class="meta">
      <span class="error">
        {rejectionText(rejection.code)}
        {rejection.retryAt === undefined ? '.' : '. Trying again shortly.'}
      </span>
      {rejection.recoverable && (
        <button type="button" class="link" onClick={() => chat.retry(clientId)}>
          Send again
        </button>
      )}
      <button type="button" class="link" onClick={() => compose(chat.takeBack(clientId))}>
        Edit
      </button>
      <button type="button" class="link" onClick={() => chat.remove(clientId)}>
        Remove
      </button>
    </p>
  );
}

/** An answer, while it is being written and after. */
function Answer({ row, context }: { row: Row & { kind: 'live' | 'answer' }; context: Context }) {
  const isLive = row.kind === 'live';
  const { text, at } = isLive ? row.live : row.message;
  const isFromTeam = !isLive && row.message.sender === 'admin';
  return (
    <article class="message ai" aria-busy={isLive}>
      <span class="visually-hidden">{isFromTeam ? 'Team' : context.assistant}:</span>
      {(text || isLive) && <div class="bubble">{text ? <AnswerText text={text} isLive={isLive} /> : <TypingIndicator />}</div>}
      {!isLive && <Failure row={row} context={context} />}
      {!isLive && <Meta at={at} />}
    </article>
  );
}

function AnswerText(props: { text: string; isLive: boolean }) {
  return (
    <Boundary fallback={<PlainText text={props.text} />}>
      <MarkdownText {...props} />
    </Boundary>
  );
}

function Failure({ row, context: { chat, compose } }: { row: Row & { kind: 'answer' }; context: Context }) {
  const { message, failureCode, again } = row;
  if (message.status === 'complete') return null;
  const isRemark = message.status === 'length' || message.status === 'refusal';
  return (
    <p class={isRemark ? 'failure remark' : 'failure'}>
      <span>{failureText(message.status, failureCode)}</span>
      {again?.mustChange && (
        <button type="button" class="retry" onClick={() => compose(again.text)}>
          Edit question
        </button>
      )}
      {again?.mustChange === false && (
        <button type="button" class="retry" onClick={() => chat.send(again.text)}>
          <RetryIcon />
          Try again
        </button>
      )}
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

function Meta({ at, children }: { at: string; children?: ComponentChildren }) {
  const time = clockTime(at);
  if (!time && !children) return null;
  return (
    <p class="meta">
      {time && (
        <time dateTime={at} title={fullTime(at)}>
          {time}
        </time>
      )}
      {children && <span>{children}</span>}
    </p>
  );
}
