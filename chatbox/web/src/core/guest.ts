/** The identity of a visitor: a short-lived token that is renewed, so that the person stays the same. */

import { type Json, name } from './json';

export interface Guest {
  token: string;
  userId: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

const MARGIN_MS = 60_000;
const SOONEST_MS = 30_000;
/** The longest delay a browser's timer takes. */
const LATEST_MS = 2 ** 31 - 1;

/** Reads the server's answer, or what was kept of it. */
export function parseGuest(json: Json | undefined): Guest | undefined {
  const token = name(json?.token);
  const userId = name(json?.user_id);
  const expiresAt = Date.parse(name(json?.expires_at) ?? '');
  return token && userId && !Number.isNaN(expiresAt) ? { token, userId, expiresAt } : undefined;
}

/** The same words the server used, so that one reader serves both. */
export function keepable({ token, userId, expiresAt }: Guest): Json {
  return { token, user_id: userId, expires_at: new Date(expiresAt).toISOString() };
}

export function needsRenewal({ expiresAt }: Guest, now: number): boolean {
  return expiresAt - now < MARGIN_MS;
}

/** How long to wait before renewing; never at once, so that a wrong clock makes no storm. */
export function renewIn({ expiresAt }: Guest, now: number): number {
  return Math.min(Math.max(expiresAt - now - MARGIN_MS, SOONEST_MS), LATEST_MS);
}
