/** When to connect again after a connection ended, and when not to. */

export interface Policy {
  /** Attempts since the last connection that held. */
  attempt: number;
  /** Upgrades in a row that ended before the greeting: a browser cannot see whether they were refused. */
  unanswered: number;
}

export interface Ending {
  code: number;
  /** How long the connection was open, from the greeting on; `undefined` when there was no greeting. */
  held?: number | undefined;
}

export interface Retry {
  then: 'connect';
  afterMs: number;
  /** The token is in doubt. */
  renew: boolean;
  policy: Policy;
}

export type Decision = Retry | { then: 'stop' };

export const FRESH: Policy = { attempt: 0, unanswered: 0 };

const STEPS_S = [1, 2, 4, 8, 16, 30] as const;
/** A connection that lasted this long was a good one; a shorter one may be a server in trouble. */
const HELD_MS = 5_000;
const PROMPT_MS = 250;
/** So many in a row look like refusals, and a new token may help. */
const RENEW_AT = 2;

const GOING_AWAY = 1001;
const TOKEN_EXPIRED = 4014;

/** `random` is uniform in [0, 1). */
export function decide(before: Policy, { code, held }: Ending, random: number): Decision {
  if (code >= 4500 && code <= 4999) return { then: 'stop' };
  const unanswered = held === undefined ? before.unanswered + 1 : 0;
  const renew = code === TOKEN_EXPIRED || unanswered === RENEW_AT;
  const attempt = held !== undefined && held >= HELD_MS ? 0 : before.attempt;
  const policy = { attempt: attempt + 1, unanswered };
  // An end that was announced is followed up promptly, but only once: a server that keeps leaving gets its rest.
  const prompt = attempt === 0 && held !== undefined && (code === GOING_AWAY || code === TOKEN_EXPIRED);
  return { then: 'connect', afterMs: prompt ? random * PROMPT_MS : backOff(attempt, random), renew, policy };
}

/** A step that came before the socket failed: a request, or the network as a whole. */
export function postpone(before: Policy, random: number, leastMs = 0): Retry {
  const afterMs = Math.max(backOff(before.attempt, random), leastMs);
  return { then: 'connect', afterMs, renew: false, policy: { ...before, attempt: before.attempt + 1 } };
}

/** Half of each step is random, so that many pages do not come back in one wave. */
function backOff(attempt: number, random: number): number {
  const seconds = STEPS_S[Math.min(attempt, STEPS_S.length - 1)] ?? 30;
  return seconds * 1000 * (0.5 + random / 2);
}
