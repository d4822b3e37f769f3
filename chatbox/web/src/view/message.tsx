/** One row of the message list. */

import type { ComponentChildren } from 'preact';
import type { Rejection } from '../core/outbox';
import type { Row } from '../core/rows';
import { failureText, noticeText, rejectionText } from '../core/strings';
import type { Chat } from '../shell/chat';
import { RetryIcon } from './icons';
import { MarkdownText } from './markdown-text';
import { clockTime, dayName, fullTime } from './time';

interface Context {
  chat: Chat;
  assistant: string;
  isConnected: boolean;
}

export function MessageRow({ row, chat, assistant, isConnected }: { row: Row } & Context) {
  switch (row.kind) {
    case 'date':
      return <p class="date">{dayName(row.at)}</p>;
    case 'system':
      return <p class="message system">{row.message.text}</p>;
    case 'question':
    case 'pending':
      return <Question row={row} chat={chat} isConnected={isConnected} />;
    case 'live':
    case 'answer':
      return <Answer row={row} chat={chat} assistant={assistant} />;
  }
}

export function Notice({ code }: { code: string }) {
  return <p class="message system">{noticeText(code)}</p>;
}

/** A message of the user, before and after it was stored: one component, so that nothing moves in between. */
function Question({ row, chat, isConnected }: { row: Row & { kind: 'question' | 'pending' } } & Omit<Context, 'assistant'>) {
  const isRejected = row.kind === 'pending' && row.entry.rejection !== undefined;
  return (
    <article class="message user" data-state={isRejected ? 'rejected' : row.kind}>
      <span class="visually-hidden">You:</span>
      <div class="bubble">{row.kind === 'question' ? row.message.text : row.entry.content}</div>
      {row.kind === 'question' ? (
        <Meta at={row.message.at}>{row.isLatest && 'Sent'}</Meta>
      ) : row.entry.rejection ? (
        <RejectionMeta clientId={row.entry.clientId} rejection={row.entry.rejection} chat={chat} />
      ) : (
        <p class="meta">{isConnected ? (row.isInFlight ? 'Sending…' : 'Waiting…') : 'Will be sent when the connection is back'}</p>
      )}
    </article>
  );
}

function RejectionMeta({ clientId, rejection, chat }: { clientId: string; rejection: Rejection; chat: Chat }) {
  return (
    <p class="meta">
      <span class="error">
        {rejectionText(rejection.code)}
        {rejection.retryAt === undefined ? '.' : '. Trying again shortly.'}
      </span>
      <button type="button" class="link" onClick={() => chat.retry(clientId)}>
        Send again
      </button>
      <button type="button" class="link" onClick={() => chat.remove(clientId)}>
        Remove
      </button>
    </p>
  );
}

/** An answer, while it is being written and after. */
function Answer({ row, chat, assistant }: { row: Row & { kind: 'live' | 'answer' } } & Omit<Context, 'isConnected'>) {
  const isLive = row.kind === 'live';
  const { text, at } = isLive ? row.live : row.message;
  const isFromTeam = !isLive && row.message.sender === 'admin';
  return (
    <article class="message ai" aria-busy={isLive}>
      <span class="visually-hidden">{isFromTeam ? 'Team' : assistant}:</span>
      {(text || isLive) && <div class="bubble">{text ? <MarkdownText text={text} /> : <TypingIndicator />}</div>}
      {!isLive && <Failure row={row} chat={chat} />}
      {!isLive && <Meta at={at} />}
    </article>
  );
}

function Failure({ row, chat }: { row: Row & { kind: 'answer' }; chat: Chat }) {
  const { message, failureCode, retryText } = row;
  if (message.status === 'complete') return null;
  return (
    <p class="failure">
      <span>{failureText(message.status, failureCode)}</span>
      {retryText && (
        <button type="button" class="retry" onClick={() => chat.send(retryText)}>
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
