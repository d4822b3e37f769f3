/** Whether and when to connect again after a connection ended or a request failed. */

export interface RetryState {
  /** Attempts since the last stable connection. */
  attempts: number;
  /** Connections in a row that ended before the server's hello. A browser cannot see an HTTP status of a failed upgrade. */
  withoutHello: number;
}

export interface Disconnect {
  code: number;
  /** Time from the server's hello to the end; `undefined` when there was no hello. */
  connectedMs?: number | undefined;
  /** How long the server asked to wait before it closed the connection. */
  retryAfterMs?: number | undefined;
}

export interface Reconnect {
  action: 'connect';
  afterMs: number;
  renewToken: boolean;
  state: RetryState;
}

export type Decision = Reconnect | { action: 'stop' };

export const INITIAL: RetryState = { attempts: 0, withoutHello: 0 };

const BACKOFF_S = [1, 2, 4, 8, 16, 30] as const;
/** A connection that ends sooner than this does not reset the backoff. */
const STABLE_AFTER_MS = 5_000;
const FAST_RECONNECT_MS = 250;
/** A server that asks for more than this has made a mistake. */
const MAX_RETRY_AFTER_MS = 15 * 60_000;
/** After so many connections without a hello the token may be the reason. */
const RENEW_AFTER = 2;

const GOING_AWAY = 1001;
const TOKEN_EXPIRED = 4014;

/** `random` is uniform in [0, 1). */
export function afterDisconnect(before: RetryState, end: Disconnect, random: number): Decision {
  const { code, connectedMs, retryAfterMs = 0 } = end;
  if (code >= 4500 && code <= 4999) return { action: 'stop' };
  const withoutHello = connectedMs === undefined ? before.withoutHello + 1 : 0;
  const renewToken = code === TOKEN_EXPIRED || withoutHello === RENEW_AFTER;
  const attempts = connectedMs !== undefined && connectedMs >= STABLE_AFTER_MS ? 0 : before.attempts;
  const state = { attempts: attempts + 1, withoutHello };
  // A server that announced the end is there again at once. If it ends connections again and again, the backoff applies.
  const isFast = attempts === 0 && connectedMs !== undefined && (code === GOING_AWAY || code === TOKEN_EXPIRED);
  const pause = isFast ? random * FAST_RECONNECT_MS : backoff(attempts, random);
  return { action: 'connect', afterMs: Math.max(pause, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)), renewToken, state };
}

/** An HTTP request that comes before the socket failed. */
export function afterFailedRequest(before: RetryState, random: number, minDelayMs = 0): Reconnect {
  const afterMs = Math.max(backoff(before.attempts, random), minDelayMs);
  return { action: 'connect', afterMs, renewToken: false, state: { ...before, attempts: before.attempts + 1 } };
}

/** How long the server asks to wait, in the header `Retry-After`: seconds, or a date that is compared with the server's. */
export function retryAfterMs(header: string | null, serverNow: number): number {
  const seconds = Number(header ?? 0);
  const delay = Number.isNaN(seconds) ? Date.parse(header ?? '') - serverNow : seconds * 1000;
  return Math.min(Math.max(delay || 0, 0), MAX_RETRY_AFTER_MS);
}

/** Half of each delay is random, so that many pages do not reconnect at the same moment. */
function backoff(attempts: number, random: number): number {
  const seconds = BACKOFF_S[Math.min(attempts, BACKOFF_S.length - 1)] ?? 30;
  return seconds * 1000 * (0.5 + random / 2);
}
