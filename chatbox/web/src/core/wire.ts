/** What travels on the socket: frames as the server sends them, and the few the page sends. */

import { type Json, count, list, name, object, parse, present, text } from './json';

export type Sender = 'user' | 'ai' | 'admin' | 'system';

/** How an answer ended. */
export type Status = 'complete' | 'failed' | 'interrupted';

export interface Model {
  id: string;
  name: string;
}

/** A message the server has stored. */
export interface Message {
  seq: number;
  id: string;
  sender: Sender;
  text: string;
  at: string;
  status: Status;
  clientId?: string | undefined;
  run?: string | undefined;
}

export interface Failure {
  code: string;
  recoverable: boolean;
  retryAfter?: number | undefined;
  clientId?: string | undefined;
  run?: string | undefined;
}

export type Frame =
  | { type: 'hello'; models: Model[] }
  | { type: 'ack'; clientId: string; id: string; seq: number }
  | { type: 'caughtUp'; seq: number; recovered: boolean }
  | { type: 'message'; message: Message }
  | { type: 'loading'; run: string; at: string }
  | { type: 'delta'; run: string; off: number; text: string; at: string }
  /** `message.text` starts at `off`: 0 carries the whole answer, else the deltas before it do. */
  | { type: 'final'; run: string; off: number; message: Message }
  | { type: 'error'; error: Failure }
  /** A newer server's word. It may be durable, and then its number counts. */
  | { type: 'unknown'; seq: number | undefined };

/** Where a reader stands: what it has seen, and how much of the answer that is being written. */
export interface Position {
  seq: number;
  run?: string | undefined;
  off?: number | undefined;
}

/** The longest message the server accepts. Counted as the browser counts, which is never less than the server does. */
export const MAX_CONTENT = 10_000;

/** Reads one text frame for `session`; `undefined` when it is no frame at all, or one of another session. */
export function parseFrame(source: string, session: string): Frame | undefined {
  const json = parse(source);
  const type = name(json?.type);
  if (!json || !type) return undefined;
  const owner = name(json.session_id);
  if (owner && owner !== session) return undefined;
  return known(type, json) ?? { type: 'unknown', seq: count(json.seq) };
}

function known(type: string, json: Json): Frame | undefined {
  switch (type) {
    case 'connection_status':
      return control(json);
    case 'user_message': {
      const message = parseMessage({ ...json, sender: 'user' });
      return message && { type: 'message', message };
    }
    case 'loading': {
      const run = name(json.run);
      return run ? { type: 'loading', run, at: moment(json) } : undefined;
    }
    case 'ai_response':
      return answer(json);
    case 'error':
      return failure(json);
    default:
      return undefined;
  }
}

function control(json: Json): Frame | undefined {
  const metadata = object(json.metadata) ?? {};
  const seq = count(json.seq);
  switch (metadata.op) {
    case 'hello':
      return { type: 'hello', models: present(list(json.models).map(model)) };
    case 'ack': {
      const clientId = name(json.client_id);
      const id = name(json.id);
      return clientId && id && seq !== undefined ? { type: 'ack', clientId, id, seq } : undefined;
    }
    case 'caught_up':
      return { type: 'caughtUp', seq: seq ?? 0, recovered: metadata.recovered !== 'false' };
    default:
      return undefined;
  }
}

function answer(json: Json): Frame | undefined {
  const run = name(json.run);
  const off = count(json.off);
  if (!run || off === undefined) return undefined;
  if (object(json.metadata)?.done !== 'true') {
    return { type: 'delta', run, off, text: text(json.content) ?? '', at: moment(json) };
  }
  const message = parseMessage({ ...json, sender: 'ai' });
  return message && { type: 'final', run, off, message };
}

function failure(json: Json): Frame | undefined {
  const error = object(json.error);
  const code = name(error?.code);
  if (!error || !code) return undefined;
  return {
    type: 'error',
    error: {
      code,
      recoverable: error.recoverable === true,
      retryAfter: count(error.retry_after),
      clientId: name(json.client_id),
      run: name(json.run),
    },
  };
}

function model(value: unknown): Model | undefined {
  const json = object(value);
  const id = name(json?.id);
  return id ? { id, name: name(json?.name) ?? id } : undefined;
}

/** A stored message, as a frame or the history carries it. */
export function parseMessage(json: Json): Message | undefined {
  const id = name(json.id);
  const seq = count(json.seq);
  if (!id || !seq) return undefined;
  return {
    id,
    seq,
    sender: sender(json.sender),
    text: text(json.content) ?? '',
    at: moment(json),
    status: json.status === 'failed' || json.status === 'interrupted' ? json.status : 'complete',
    clientId: name(json.client_id),
    run: name(json.run),
  };
}

function sender(value: unknown): Sender {
  return value === 'user' || value === 'ai' || value === 'admin' ? value : 'system';
}

function moment(json: Json): string {
  return name(json.timestamp) ?? '';
}

export function userMessage(session: string, clientId: string, content: string, at: string): string {
  return JSON.stringify({
    type: 'user_message',
    session_id: session,
    client_id: clientId,
    content,
    timestamp: at,
    sender: 'user',
  });
}

/** Asks for everything after `from` once more, on a socket that is open. */
export function resume(session: string, from: Position, at: string): string {
  return JSON.stringify({
    type: 'connection_status',
    session_id: session,
    ...from,
    timestamp: at,
    sender: 'user',
    metadata: { op: 'resume' },
  });
}
