/** Frames on the socket: what the server sends, parsed, and those that the page sends. */

import { type Json, asArray, asCount, asNonEmpty, asObject, asString, defined, parseObject } from './json';

export type Sender = 'user' | 'ai' | 'admin' | 'system';

/** How an answer ended. A status that a later release adds is taken for the first. */
export const STATUSES = ['complete', 'length', 'content_filter', 'refusal', 'failed', 'interrupted', 'cancelled', 'superseded'] as const;
export type Status = (typeof STATUSES)[number];

/** Stored messages that are no words of somebody. */
export const KINDS = ['help_request', 'admin_join', 'admin_leave'] as const;
export type Kind = (typeof KINDS)[number];

export interface Model {
  id: string;
  name: string;
}

/** A stored message. */
export interface Message {
  seq: number;
  id: string;
  sender: Sender;
  text: string;
  at: string;
  status: Status;
  clientId?: string | undefined;
  run?: string | undefined;
  /** Of an answer: `seq` of its question. */
  question?: number | undefined;
  /** Of an answer: id of the model that gave it. */
  model?: string | undefined;
  /** Of a question: `seq` of an earlier one that it stands for. */
  replaces?: number | undefined;
  /** What it is, if no words of somebody. */
  kind?: Kind | undefined;
  /** Of a member of staff: the name. */
  name?: string | undefined;
  /** Of one who came or went: no answer under a smaller fence comes after it. */
  fence?: number | undefined;
}

export interface WireError {
  code: string;
  recoverable: boolean;
  retryAfter?: number | undefined;
  clientId?: string | undefined;
  run?: string | undefined;
  /** It names the session: the server could read what it is about. */
  isOfSession?: boolean;
}

export type Frame =
  | { type: 'hello'; models: Model[]; limits: Limits; at: string }
  | { type: 'ack'; clientId: string; id: string; seq: number; at: string }
  | { type: 'caughtUp'; seq: number; recovered: boolean }
  /** This model answers from now on. */
  | { type: 'model'; model: string }
  /** The reply to a request to stop an answer. Without `run` there was none to stop. */
  | { type: 'cancel'; run: string | undefined }
  /** The reply to a request for a human. */
  | { type: 'help' }
  /** Somebody is writing. */
  | { type: 'typing'; sender: Sender }
  | { type: 'message'; message: Message }
  | { type: 'loading'; run: Run; at: string }
  | { type: 'delta'; run: Run; off: number; text: string; at: string }
  /** `message.text` starts at `off`: 0 means that it is the whole answer, else the deltas before it belong to it. */
  | { type: 'final'; run: Run; off: number; message: Message }
  | { type: 'error'; error: WireError }
  /** A type that a newer server sends. If it is a stored message, its number counts. */
  | { type: 'unknown'; seq: number | undefined };

/** One attempt at one answer. A greater fence is a newer attempt; 0: the server did not say. */
export interface Run {
  id: string;
  fence: number;
  /** `seq` of the question, where the frame says it. */
  question?: number | undefined;
  /** Id of the model, where the frame says it. */
  model?: string | undefined;
}

/** What a reader has received: the last message, and how much of the answer that is being written. */
export interface Position {
  seq: number;
  run?: string | undefined;
  off?: number | undefined;
}

/** What a client must know before it sends. */
export interface Limits {
  /** The longest message, in code points. */
  messageChars: number;
}

/** What holds where the administrator has set nothing else, until the server says. */
export const DEFAULT_LIMITS: Limits = { messageChars: 10_000 };

/** Parses one text frame; `undefined` when it is malformed or belongs to another session. */
export function parseFrame(source: string, session: string): Frame | undefined {
  const json = parseObject(source);
  const type = asNonEmpty(json?.type);
  if (!json || !type) return undefined;
  const owner = asNonEmpty(json.session_id);
  if (owner && owner !== session) return undefined;
  return parseKnown(type, json) ?? { type: 'unknown', seq: asCount(json.seq) };
}

function parseKnown(type: string, json: Json): Frame | undefined {
  switch (type) {
    case 'connection_status':
      return parseControl(json);
    case 'user_message':
      return messageFrame(parseMessage({ ...json, sender: json.sender === 'admin' ? 'admin' : 'user', kind: undefined }));
    case 'help_request':
    case 'admin_join':
    case 'admin_leave':
      return messageFrame(parseMessage({ ...json, kind: type }));
    case 'typing_indicator':
      return { type: 'typing', sender: parseSender(json.sender) };
    case 'loading': {
      const run = parseRun(json);
      return run && { type: 'loading', run, at: timestamp(json) };
    }
    case 'ai_response':
      return parseAnswer(json);
    case 'error':
      return parseError(json);
    default:
      return undefined;
  }
}

function messageFrame(message: Message | undefined): Frame | undefined {
  return message && { type: 'message', message };
}

function parseControl(json: Json): Frame | undefined {
  const metadata = asObject(json.metadata) ?? {};
  const seq = asCount(json.seq);
  switch (metadata.op) {
    case 'hello':
      return { type: 'hello', models: defined(asArray(json.models).map(parseModel)), limits: parseLimits(json.limits), at: timestamp(json) };
    case 'ack': {
      const clientId = asNonEmpty(json.client_id);
      const id = asNonEmpty(json.id);
      return clientId && id && seq !== undefined ? { type: 'ack', clientId, id, seq, at: timestamp(json) } : undefined;
    }
    case 'caught_up':
      return { type: 'caughtUp', seq: seq ?? 0, recovered: metadata.recovered !== 'false' };
    case 'model': {
      const model = asNonEmpty(json.model_id);
      return model ? { type: 'model', model } : undefined;
    }
    case 'cancel':
      return { type: 'cancel', run: asNonEmpty(json.run) };
    case 'help':
      return { type: 'help' };
    default:
      return undefined;
  }
}

function parseAnswer(json: Json): Frame | undefined {
  const run = parseRun(json);
  const off = asCount(json.off);
  if (!run || off === undefined) return undefined;
  if (asObject(json.metadata)?.done !== 'true') {
    return { type: 'delta', run, off, text: asString(json.content) ?? '', at: timestamp(json) };
  }
  const message = parseMessage({ ...json, sender: 'ai' });
  return message && { type: 'final', run, off, message };
}

function parseRun(json: Json): Run | undefined {
  const id = asNonEmpty(json.run);
  if (!id) return undefined;
  return { id, fence: asCount(json.fence) ?? 0, question: asCount(json.question), model: asNonEmpty(json.model_id) };
}

function parseError(json: Json): Frame | undefined {
  const error = asObject(json.error);
  const code = asNonEmpty(error?.code);
  if (!error || !code) return undefined;
  return {
    type: 'error',
    error: {
      code,
      recoverable: error.recoverable === true,
      retryAfter: asCount(error.retry_after),
      clientId: asNonEmpty(json.client_id),
      run: asNonEmpty(json.run),
      isOfSession: asNonEmpty(json.session_id) !== undefined,
    },
  };
}

function parseModel(value: unknown): Model | undefined {
  const json = asObject(value);
  const id = asNonEmpty(json?.id);
  return id ? { id, name: asNonEmpty(json?.name) ?? id } : undefined;
}

function parseLimits(value: unknown): Limits {
  return { messageChars: asCount(asObject(value)?.message_chars) || DEFAULT_LIMITS.messageChars };
}

/** A stored message, from a frame or from the history. Nothing for one of a kind that this page does not know. */
export function parseMessage(json: Json): Message | undefined {
  const id = asNonEmpty(json.id);
  const seq = asCount(json.seq);
  const kind = KINDS.find((known) => known === json.kind);
  if (!id || !seq || (asNonEmpty(json.kind) && !kind)) return undefined;
  const metadata = asObject(json.metadata);
  return {
    id,
    seq,
    sender: kind ? SENDERS[kind] : parseSender(json.sender),
    text: asString(json.content) ?? '',
    at: timestamp(json),
    status: STATUSES.find((status) => status === json.status) ?? 'complete',
    clientId: asNonEmpty(json.client_id),
    run: asNonEmpty(json.run),
    question: asCount(json.question),
    model: asNonEmpty(json.model_id) ?? asNonEmpty(metadata?.model_id),
    replaces: asCount(json.replaces),
    kind,
    name: asNonEmpty(asString(metadata?.admin_name)?.trim()),
    fence: kind && asCount(json.fence),
  };
}

const SENDERS: Record<Kind, Sender> = { help_request: 'user', admin_join: 'admin', admin_leave: 'admin' };

function parseSender(value: unknown): Sender {
  return value === 'user' || value === 'ai' || value === 'admin' ? value : 'system';
}

function timestamp(json: Json): string {
  return asNonEmpty(json.timestamp) ?? '';
}

/** `replaces`: `seq` of the question that this one stands for. */
export function userMessageFrame(session: string, clientId: string, content: string, replaces?: number): string {
  return JSON.stringify({ type: 'user_message', session_id: session, client_id: clientId, content, replaces });
}

/** Chooses the model of the next answers. */
export function modelSelectFrame(session: string, model: string): string {
  return JSON.stringify({ type: 'model_select', session_id: session, model_id: model });
}

/** Stops the answer of this run. */
export function cancelFrame(session: string, run: string): string {
  return JSON.stringify({ type: 'connection_status', session_id: session, run, metadata: { op: 'cancel' } });
}

/** Has the newest question answered once more, in place of the answer with this number. */
export function regenerateFrame(session: string, answer: number): string {
  return JSON.stringify({ type: 'connection_status', session_id: session, seq: answer, metadata: { op: 'regenerate' } });
}

/** Asks for a human. */
export function helpRequestFrame(session: string): string {
  return JSON.stringify({ type: 'help_request', session_id: session });
}

/** The visitor is writing. */
export const TYPING_FRAME = JSON.stringify({ type: 'typing_indicator' });

/** Asks for everything after `from`, on a socket that is open. */
export function resumeFrame(session: string, from: Position): string {
  return JSON.stringify({ type: 'connection_status', session_id: session, ...from, metadata: { op: 'resume' } });
}
