/** One row of the conversation. */

import type { ComponentChildren } from 'preact';
import type { Refusal } from '../core/outbox';
import type { Row } from '../core/rows';
import { noticeWords, refusalWords, troubleWords } from '../core/words';
import type { Chat } from '../shell/chat';
import { Answer } from './answer';
import { RetryIcon } from './icons';
import { clockTime, dayName, fullTime } from './time';

interface Context {
  chat: Chat;
  assistant: string;
  connected: boolean;
}

export function Bubble({ row, chat, assistant, connected }: { row: Row } & Context) {
  switch (row.kind) {
    case 'day':
      return <p class="day">{dayName(row.at)}</p>;
    case 'aside':
      return <p class="message system">{row.message.text}</p>;
    case 'said':
    case 'unsent':
      return <Asked row={row} chat={chat} connected={connected} />;
    case 'live':
    case 'answer':
      return <Answered row={row} chat={chat} assistant={assistant} />;
  }
}

export function Notice({ code }: { code: string }) {
  return <p class="message system">{noticeWords(code)}</p>;
}

/** A message of the reader, before and after it was stored: one component, so that nothing moves in between. */
function Asked({ row, chat, connected }: { row: Row & { kind: 'said' | 'unsent' } } & Omit<Context, 'assistant'>) {
  const isRefused = row.kind === 'unsent' && row.entry.refusal !== undefined;
  return (
    <article class="message user" data-state={isRefused ? 'refused' : row.kind}>
      <span class="visually-hidden">You:</span>
      <div class="bubble">{row.kind === 'said' ? row.message.text : row.entry.content}</div>
      {row.kind === 'said' ? (
        <Meta at={row.message.at}>{row.latest && 'Sent'}</Meta>
      ) : row.entry.refusal ? (
        <RefusedMeta clientId={row.entry.clientId} refusal={row.entry.refusal} chat={chat} />
      ) : (
        <p class="meta">{connected ? (row.onItsWay ? 'Sending…' : 'Waiting…') : 'Will be sent when the connection is back'}</p>
      )}
    </article>
  );
}

function RefusedMeta({ clientId, refusal, chat }: { clientId: string; refusal: Refusal; chat: Chat }) {
  return (
    <p class="meta">
      <span class="trouble">
        {refusalWords(refusal.code)}
        {refusal.retryAt === undefined ? '.' : '. Trying again shortly.'}
      </span>
      <button type="button" class="link" onClick={() => chat.sendAgain(clientId)}>
        Send again
      </button>
      <button type="button" class="link" onClick={() => chat.discard(clientId)}>
        Remove
      </button>
    </p>
  );
}

/** An answer, while it is written and after. */
function Answered({ row, chat, assistant }: { row: Row & { kind: 'live' | 'answer' } } & Omit<Context, 'connected'>) {
  const isLive = row.kind === 'live';
  const { text, at } = isLive ? row.live : row.message;
  const isFromTeam = !isLive && row.message.sender === 'admin';
  return (
    <article class="message ai" aria-busy={isLive}>
      <span class="visually-hidden">{isFromTeam ? 'Team' : assistant}:</span>
      {(text || isLive) && <div class="bubble">{text ? <Answer text={text} /> : <Dots />}</div>}
      {!isLive && <Trouble row={row} chat={chat} />}
      {!isLive && <Meta at={at} />}
    </article>
  );
}

function Trouble({ row, chat }: { row: Row & { kind: 'answer' }; chat: Chat }) {
  const { message, reason, question } = row;
  if (message.status === 'complete') return null;
  return (
    <p class="interrupted">
      <span>{troubleWords(message.status, reason)}</span>
      {question && (
        <button type="button" class="again" onClick={() => chat.send(question)}>
          <RetryIcon />
          Try again
        </button>
      )}
    </p>
  );
}

function Dots() {
  return (
    <span class="dots" role="img" aria-label="Writing">
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
