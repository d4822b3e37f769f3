/**
 * Messages that are not acknowledged yet. One is on its way at a time, so that they arrive in the order they
 * were written; it goes out again under the same `clientId` until the server has it, which doubles nothing.
 */

import { name, object } from './json';
import type { Failure } from './wire';

export interface Unsent {
  clientId: string;
  session: string;
  content: string;
  at: string;
  refusal?: Refusal;
}

/** The server did not take it. `retryAt` (ms) is when it is sent again by itself, if ever. */
export interface Refusal {
  code: string;
  tries: number;
  retryAt?: number;
}

export interface Outbox {
  entries: Unsent[];
  flight?: Flight | undefined;
}

interface Flight {
  clientId: string;
  deadline: number;
  tries: number;
}

/** More would only be lost later: the browser's storage is small. */
export const MAX_UNSENT = 50;
export const ACK_WITHIN_MS = 10_000;
const MAX_TRIES = 5;
const KEEP_MS = 7 * 24 * 3_600_000;
const DEFAULT_PAUSE_MS = 5_000;

/** What was kept in the browser, read back; too old or unreadable is dropped. */
export function restore(value: unknown, now: number): Unsent | undefined {
  const json = object(value);
  const clientId = name(json?.clientId);
  const session = name(json?.session);
  const content = name(json?.content);
  const at = name(json?.at);
  if (!clientId || !session || !content || !at) return undefined;
  return now - Date.parse(at) < KEEP_MS ? { clientId, session, content, at } : undefined;
}

export function isFull(outbox: Outbox): boolean {
  return outbox.entries.length >= MAX_UNSENT;
}

export function add(outbox: Outbox, entry: Unsent): Outbox {
  return { ...outbox, entries: [...outbox.entries, entry] };
}

export function find(outbox: Outbox, clientId: string): Unsent | undefined {
  return outbox.entries.find((entry) => entry.clientId === clientId);
}

export function remove(outbox: Outbox, clientId: string): Outbox {
  const entries = outbox.entries.filter((entry) => entry.clientId !== clientId);
  return { entries, flight: landed(outbox.flight, clientId) };
}

/** The next message to send now, if there is one. */
export function due({ entries, flight }: Outbox, now: number): Unsent | undefined {
  if (flight) return now < flight.deadline ? undefined : entries.find((entry) => entry.clientId === flight.clientId);
  const next = entries.find(isWilling);
  return (next?.refusal?.retryAt ?? 0) > now ? undefined : next;
}

/** When `due` has something new to say, if it ever has without an event from outside. */
export function wakeAt({ entries, flight }: Outbox): number | undefined {
  return flight ? flight.deadline : entries.find(isWilling)?.refusal?.retryAt;
}

export function sent(outbox: Outbox, clientId: string, now: number): Outbox {
  const tries = outbox.flight?.clientId === clientId ? outbox.flight.tries + 1 : 1;
  return { ...outbox, flight: { clientId, deadline: now + ACK_WITHIN_MS, tries } };
}

/** A message went out twice and nobody answered: the connection must be dead. */
export function isStuck({ flight }: Outbox, now: number): boolean {
  return flight !== undefined && flight.tries > 1 && now >= flight.deadline;
}

/** The connection is gone, and nobody knows what became of the message on its way: it will be sent again. */
export function grounded(outbox: Outbox): Outbox {
  return { ...outbox, flight: undefined };
}

/** The server said no: for now, when trying again may help, else until the reader asks for it. */
export function refused(outbox: Outbox, clientId: string, error: Failure, now: number): Outbox {
  const entries = outbox.entries.map((entry) => {
    if (entry.clientId !== clientId) return entry;
    const refusal: Refusal = { code: error.code, tries: (entry.refusal?.tries ?? 0) + 1 };
    if (error.recoverable && refusal.tries < MAX_TRIES) refusal.retryAt = now + (error.retryAfter ?? DEFAULT_PAUSE_MS);
    return { ...entry, refusal };
  });
  return { entries, flight: landed(outbox.flight, clientId) };
}

/** The reader asked for another try. */
export function retry(outbox: Outbox, clientId: string): Outbox {
  const entries = outbox.entries.map(({ refusal, ...entry }) =>
    refusal && entry.clientId !== clientId ? { ...entry, refusal } : entry,
  );
  return { ...outbox, entries };
}

function isWilling({ refusal }: Unsent): boolean {
  return !refusal || refusal.retryAt !== undefined;
}

function landed(flight: Flight | undefined, clientId: string): Flight | undefined {
  return flight?.clientId === clientId ? undefined : flight;
}
