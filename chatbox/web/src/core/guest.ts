/** A guest's identity: a token with a short lifetime. Renewing it keeps the user id. */

import { type Json, asNonEmpty } from './json';

export interface Guest {
  token: string;
  userId: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Characters that are allowed in a WebSocket subprotocol. */
export const TOKEN = /^[\w.~+-]+$/;

const RENEW_BEFORE_MS = 60_000;
const MIN_DELAY_MS = 30_000;
/** The longest delay of a browser's timer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Reads the server's response, or the stored copy of it. */
export function parseGuest(json: Json | undefined): Guest | undefined {
  const token = asNonEmpty(json?.token);
  const userId = asNonEmpty(json?.user_id);
  const expiresAt = Date.parse(asNonEmpty(json?.expires_at) ?? '');
  return token && TOKEN.test(token) && userId && !Number.isNaN(expiresAt) ? { token, userId, expiresAt } : undefined;
}

/** The same fields as in the server's response, so that one parser reads both. */
export function serializeGuest({ token, userId, expiresAt }: Guest): Json {
  return { token, user_id: userId, expires_at: new Date(expiresAt).toISOString() };
}

export function needsRenewal({ expiresAt }: Guest, now: number): boolean {
  return expiresAt - now < RENEW_BEFORE_MS;
}

/** How long to wait before renewing. It has a minimum, so that a wrong clock does not flood the server. */
export function renewalDelay({ expiresAt }: Guest, now: number): number {
  return Math.min(Math.max(expiresAt - now - RENEW_BEFORE_MS, MIN_DELAY_MS), MAX_DELAY_MS);
}
