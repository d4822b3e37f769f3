/**
 * Messages without an acknowledgement. One is in flight at a time, so that they arrive in the order they were written.
 * A message is sent again under the same `clientId` until the server acknowledges it; the server stores it once.
 */

import { asNonEmpty, asObject } from './json';
import type { WireError } from './wire';

export interface PendingMessage {
  clientId: string;
  session: string;
  content: string;
  at: string;
  rejection?: Rejection;
}

/** The server did not accept the message. `retryAt` (ms) is when it is sent again without the user's doing, if ever. */
export interface Rejection {
  code: string;
  attempts: number;
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
const MAX_AGE_MS = 7 * 24 * 3_600_000;
const DEFAULT_RETRY_MS = 5_000;
/** The connection survives these errors, but the same message would be rejected again. */
const MALFORMED: ReadonlySet<string> = new Set(['INVALID_FORMAT', 'MISSING_FIELD']);

/** Parses a stored entry; nothing when it is malformed or too old. */
export function restore(value: unknown, now: number): PendingMessage | undefined {
  const json = asObject(value);
  const clientId = asNonEmpty(json?.clientId);
  const session = asNonEmpty(json?.session);
  const content = asNonEmpty(json?.content);
  const at = asNonEmpty(json?.at);
  if (!clientId || !session || !content || !at) return undefined;
  return now - Date.parse(at) < MAX_AGE_MS ? { clientId, session, content, at } : undefined;
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

/** A message was sent twice without an acknowledgement: the connection is dead. */
export function hasTimedOut({ inFlight }: Outbox, now: number): boolean {
  return inFlight !== undefined && inFlight.attempts > 1 && now >= inFlight.deadline;
}

/** The connection ended before the acknowledgement: the message in flight will be sent again. */
export function requeued(outbox: Outbox): Outbox {
  return { ...outbox, inFlight: undefined };
}

/** The server rejected a message. It is sent again later if that can help, else only when the user asks for it. */
export function rejected(outbox: Outbox, clientId: string, error: WireError, now: number): Outbox {
  const entries = outbox.entries.map((entry) => {
    if (entry.clientId !== clientId) return entry;
    const rejection: Rejection = { code: error.code, attempts: (entry.rejection?.attempts ?? 0) + 1 };
    if (error.recoverable && !MALFORMED.has(error.code) && rejection.attempts < MAX_ATTEMPTS) {
      rejection.retryAt = now + (error.retryAfter ?? DEFAULT_RETRY_MS);
    }
    return { ...entry, rejection };
  });
  return { entries, inFlight: settled(outbox.inFlight, clientId) };
}

/** The user asked to send a rejected message again. */
export function retry(outbox: Outbox, clientId: string): Outbox {
  const entries = outbox.entries.map(({ rejection, ...entry }) =>
    rejection && entry.clientId !== clientId ? { ...entry, rejection } : entry,
  );
  return { ...outbox, entries };
}

function isSendable({ rejection }: PendingMessage): boolean {
  return !rejection || rejection.retryAt !== undefined;
}

/** Nothing is in flight once the message that was has been acknowledged, rejected or removed. */
function settled(inFlight: InFlight | undefined, clientId: string): InFlight | undefined {
  return inFlight?.clientId === clientId ? undefined : inFlight;
}
