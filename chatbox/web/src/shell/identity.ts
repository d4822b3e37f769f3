/** Who the user is: the holder of the token that the page was opened with, or a guest. */

import { type Guest, needsRenewal, parseGuest, renewalDelay } from '../core/guest';
import type { StopReason } from '../core/strings';
import type { Http, Reply } from './http';
import type { Storage } from './storage';

export type Credentials =
  /** `isNewUser`: the guest of before could not be renewed, and this is another one. */
  { token: string; isNewUser: boolean } | { stop: StopReason } | { retryAfterMs: number };

/** Characters that are allowed in a WebSocket subprotocol. */
const TOKEN = /^[\w.~+-]+$/;

export class Identity {
  /** The guest token that was used last, to see whether another tab has renewed it since. */
  private lastUsed: string | undefined;
  private renewalTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly http: Http,
    private readonly storage: Storage,
    /** The token that the page was opened with. */
    private readonly givenToken: string | undefined,
  ) {}

  /** Credentials to connect with. `renew`: the last ones do not seem to work. */
  async credentials(renew: boolean): Promise<Credentials> {
    if (this.givenToken !== undefined) return this.checkGiven(this.givenToken, renew);
    const credentials = await withGuestLock(() => this.guestCredentials(renew));
    if ('token' in credentials) this.lastUsed = credentials.token;
    this.scheduleRenewal();
    return credentials;
  }

  /** The server rejected the token. It is deleted, so that a reload does not use it again. */
  tokenRejected(): StopReason {
    if (this.givenToken === undefined) this.storage.deleteGuest();
    else this.storage.deleteToken();
    return this.givenToken === undefined ? 'closed' : 'token_rejected';
  }

  private async checkGiven(token: string, isInDoubt: boolean): Promise<Credentials> {
    if (!TOKEN.test(token)) return { stop: this.tokenRejected() };
    if (!isInDoubt) return { token, isNewUser: false };
    const reply = await this.http.sessions(token);
    if (reply.ok) return { token, isNewUser: false };
    return reply.status === 401 ? { stop: this.tokenRejected() } : { retryAfterMs: reply.retryAfterMs };
  }

  private async guestCredentials(renew: boolean): Promise<Credentials> {
    const known = this.storage.guest();
    const isFresh = known && !needsRenewal(known, Date.now()) && (!renew || known.token !== this.lastUsed);
    if (isFresh) return { token: known.token, isNewUser: false };
    const reply = await this.http.guest(known?.token);
    const cannotRenew = !reply.ok && reply.status === 401 && known !== undefined;
    return this.acceptGuest(cannotRenew ? await this.http.guest() : reply, known);
  }

  private acceptGuest(reply: Reply, before: Guest | undefined): Credentials {
    if (!reply.ok && reply.status === 404) return { stop: 'token_needed' };
    const guest = reply.ok ? parseGuest(reply.json) : undefined;
    if (!guest) return { retryAfterMs: reply.ok ? 0 : reply.retryAfterMs };
    this.storage.saveGuest(guest);
    return { token: guest.token, isNewUser: before !== undefined && before.userId !== guest.userId };
  }

  private scheduleRenewal(): void {
    clearTimeout(this.renewalTimer);
    const guest = this.storage.guest();
    if (guest) this.renewalTimer = setTimeout(() => void this.credentials(false), renewalDelay(guest, Date.now()));
  }
}

/** One tab at a time, so that two that are opened at once become one guest. Only pages with TLS, or on localhost, have locks. */
function withGuestLock<T>(action: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request('chatbox-guest', action) : action();
}
