/**
 * Messages without an acknowledgement. One is in flight at a time, so that they arrive in the order they were written.
 * A message is sent again under the same `clientId` until the server acknowledges it; the server stores it once.
 */

import { asCount, asNonEmpty, asObject, asString } from './json';
import type { WireError } from './wire';

export interface PendingMessage {
  clientId: string;
  session: string;
  content: string;
  /** For display alone: it may come from the visitor's clock. */
  at: string;
  /** Messages are sent in this order. */
  order: number;
  /** `seq` of the question that this one stands for: the same in other words. */
  replaces?: number | undefined;
  rejection?: Rejection;
}

/** The server did not accept the message. `retryAt` (ms) is when it is sent again without the user's doing, if ever. */
export interface Rejection {
  code: string;
  attempts: number;
  /** The same message may be accepted later. */
  recoverable: boolean;
  retryAt?: number;
}

export interface Outbox {
  entries: PendingMessage[];
  inFlight?: InFlight | undefined;
}

/** The message that was sent last and has no acknowledgement. */
interface InFlight {
  clientId: string;
  deadline: number;
  attempts: number;
}

/** The browser's storage is small, and what does not fit would be lost by a reload. */
export const MAX_PENDING = 50;
export const ACK_TIMEOUT_MS = 10_000;
const MAX_ATTEMPTS = 5;
const DEFAULT_RETRY_MS = 5_000;

/** The text as the server takes it: half of a surrogate pair cannot be sent, and NUL and outer white space are not kept. */
export function cleanText(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd').replaceAll('\0', '').trim();
}

/** The length of a text as the server counts it, in code points. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of cleanText(text)) length++;
  return length;
}

/** Rejects the messages that are longer than the server takes. */
export function withLimit(outbox: Outbox, limit: number): Outbox {
  const rejection: Rejection = { code: 'TOO_LONG', attempts: 0, recoverable: false };
  const entries = outbox.entries.map((entry) => (lengthOf(entry.content) > limit ? { ...entry, rejection } : entry));
  return { ...outbox, entries };
}

/** Parses a stored entry; nothing when it is malformed. */
export function restore(value: unknown): PendingMessage | undefined {
  const json = asObject(value);
  const clientId = asNonEmpty(json?.clientId);
  const session = asNonEmpty(json?.session);
  const content = cleanText(asString(json?.content) ?? '');
  if (!clientId || !session || !content) return undefined;
  const order = asCount(json?.order) ?? 0;
  return { clientId, session, content, at: asString(json?.at) ?? '', order, replaces: asCount(json?.replaces) };
}

/** The order of a message that is written now. */
export function nextOrder({ entries }: Outbox): number {
  return Math.max(0, ...entries.map(({ order }) => order)) + 1;
}

export function isFull(outbox: Outbox): boolean {
  return outbox.entries.length >= MAX_PENDING;
}

export function add(outbox: Outbox, entry: PendingMessage): Outbox {
  return { ...outbox, entries: [...outbox.entries, entry] };
}

export function find(outbox: Outbox, clientId: string): PendingMessage | undefined {
  return outbox.entries.find((entry) => entry.clientId === clientId);
}

export function remove(outbox: Outbox, clientId: string): Outbox {
  const entries = outbox.entries.filter((entry) => entry.clientId !== clientId);
  return { entries, inFlight: settled(outbox.inFlight, clientId) };
}

/** The message to send now, if there is one. */
export function nextToSend({ entries, inFlight }: Outbox, now: number): PendingMessage | undefined {
  if (inFlight) return now < inFlight.deadline ? undefined : entries.find((entry) => entry.clientId === inFlight.clientId);
  const next = entries.find(isSendable);
  return (next?.rejection?.retryAt ?? 0) > now ? undefined : next;
}

/** When `nextToSend` may change by the passing of time alone. */
export function nextDeadline({ entries, inFlight }: Outbox): number | undefined {
  return inFlight ? inFlight.deadline : entries.find(isSendable)?.rejection?.retryAt;
}

export function sent(outbox: Outbox, clientId: string, now: number): Outbox {
  const attempts = outbox.inFlight?.clientId === clientId ? outbox.inFlight.attempts + 1 : 1;
  return { ...outbox, inFlight: { clientId, deadline: now + ACK_TIMEOUT_MS, attempts } };
}

/** A frame came: the connection is alive, and an acknowledgement may lie behind more that is under way. */
export function heard(outbox: Outbox, now: number): Outbox {
  const { inFlight } = outbox;
  return inFlight ? { ...outbox, inFlight: { ...inFlight, deadline: now + ACK_TIMEOUT_MS } } : outbox;
}

/** A message was sent twice without an acknowledgement: the connection is dead. */
export function hasTimedOut({ inFlight }: Outbox, now: number): boolean {
  return inFlight !== undefined && inFlight.attempts > 1 && now >= inFlight.deadline;
}

/** The connection ended before the acknowledgement: the message in flight will be sent again. */
export function requeued(outbox: Outbox): Outbox {
  return { ...outbox, inFlight: undefined };
}

/** Earlier questions wait for their answers, which may take minutes. */
const BUSY = 'SERVICE_ERROR';
/** The end of the next answer is the better moment: this is for one that was missed. */
const BUSY_RETRY_MS = 15_000;

/** The server rejected a message. It is sent again later if that can help, else only when the user asks for it. */
export function rejected(outbox: Outbox, clientId: string, error: WireError, now: number): Outbox {
  const entries = outbox.entries.map((entry) => {
    if (entry.clientId !== clientId) return entry;
    const isBusy = error.code === BUSY;
    const attempts = (entry.rejection?.attempts ?? 0) + (isBusy ? 0 : 1);
    const rejection: Rejection = { code: error.code, attempts, recoverable: error.recoverable };
    if (error.recoverable && attempts < MAX_ATTEMPTS) {
      const pause = error.retryAfter ?? DEFAULT_RETRY_MS;
      rejection.retryAt = now + (isBusy ? Math.max(pause, BUSY_RETRY_MS) : pause);
    }
    return { ...entry, rejection };
  });
  return { entries, inFlight: settled(outbox.inFlight, clientId) };
}

/** An answer has ended: what had to wait for one is sent now. */
export function answered(outbox: Outbox, now: number): Outbox {
  const entries = outbox.entries.map((entry) =>
    entry.rejection?.code === BUSY && entry.rejection.retryAt !== undefined
      ? { ...entry, rejection: { ...entry.rejection, retryAt: now } }
      : entry,
  );
  return { ...outbox, entries };
}

/** The user asked to send a rejected message again. */
export function retry(outbox: Outbox, clientId: string): Outbox {
  const entries = outbox.entries.map(({ rejection, ...entry }) =>
    rejection && entry.clientId !== clientId ? { ...entry, rejection } : entry,
  );
  return { ...outbox, entries };
}

/** Whether the message is to be sent, now or later, without the user's doing. */
export function isSendable({ rejection }: PendingMessage): boolean {
  return !rejection || rejection.retryAt !== undefined;
}

/** Nothing is in flight once the message that was has been acknowledged, rejected or removed. */
function settled(inFlight: InFlight | undefined, clientId: string): InFlight | undefined {
  return inFlight?.clientId === clientId ? undefined : inFlight;
}
