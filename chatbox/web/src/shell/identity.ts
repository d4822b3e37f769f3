/** Who the user is: the holder of the token that the page was opened with, or a guest. */

import { type Guest, needsRenewal, renewalDelay, TOKEN, parseGuest } from '../core/guest';
import type { StopReason } from '../core/strings';
import type { ServerClock } from './clock';
import type { FailedRequest, Http, Reply } from './http';
import type { Storage } from './storage';

export type Credentials =
  /** `isNewUser`: the guest of before could not be renewed, and this is another one. */
  { token: string; isNewUser: boolean } | { stop: StopReason } | FailedRequest;

/** Another tab that holds the lock for longer has been frozen. */
const LOCK_TIMEOUT_MS = 10_000;

export class Identity {
  /** The guest of this page. Storage has a copy, which other tabs, the visitor or the browser may change or delete. */
  private guest: Guest | undefined;
  /** The guest token that was used last, to see whether another tab has renewed it since. */
  private lastUsed: string | undefined;
  private renewalTimer: ReturnType<typeof setTimeout> | undefined;
  private isNewcomer = false;

  constructor(
    private readonly http: Http,
    private readonly storage: Storage,
    private readonly clock: ServerClock,
    /** The token that the page was opened with. */
    private readonly givenToken: string | undefined,
  ) {}

  /** The user is a guest whom this browser did not know before: an older session cannot be this guest's. */
  get isNewGuest(): boolean {
    return this.isNewcomer;
  }

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
    if (this.givenToken !== undefined) {
      this.storage.deleteToken();
      return 'token_rejected';
    }
    if (this.guest) this.storage.deleteGuest(this.guest);
    this.guest = undefined;
    return 'closed';
  }

  private async checkGiven(token: string, isInDoubt: boolean): Promise<Credentials> {
    if (!TOKEN.test(token)) return { stop: this.tokenRejected() };
    if (!isInDoubt) return { token, isNewUser: false };
    const reply = await this.http.sessions(token);
    if (reply.ok) return { token, isNewUser: false };
    return reply.status === 401 ? { stop: this.tokenRejected() } : reply;
  }

  private async guestCredentials(renew: boolean): Promise<Credentials> {
    const known = (this.guest = this.newestToken());
    const isFresh = known && !needsRenewal(known, this.clock.now()) && (!renew || known.token !== this.lastUsed);
    if (isFresh) return { token: known.token, isNewUser: false };
    const reply = await this.http.guest(known?.token);
    if (known && !reply.ok && reply.status === 401) return this.replaceGuest(known);
    return this.acceptGuest(reply, known);
  }

  /** The guest of before cannot be renewed. Another tab may have become somebody else already. */
  private async replaceGuest(before: Guest): Promise<Credentials> {
    const other = this.storage.guest();
    if (!other || other.userId === before.userId) return this.acceptGuest(await this.http.guest(), before);
    this.keepGuest(other);
    return { token: other.token, isNewUser: true };
  }

  private acceptGuest(reply: Reply, before: Guest | undefined): Credentials {
    if (!reply.ok) return reply.status === 404 ? { stop: 'token_needed' } : reply;
    const guest = parseGuest(reply.json);
    if (!guest) return { ok: false, status: 0, retryAfterMs: 0 };
    const isOther = before?.userId !== guest.userId;
    if (isOther && before) this.storage.deleteGuest(before);
    this.isNewcomer ||= isOther;
    this.keepGuest(guest);
    return { token: guest.token, isNewUser: before !== undefined && isOther };
  }

  /** The guest of this page; another tab may have renewed the token. */
  private newestToken(): Guest | undefined {
    const stored = this.storage.guest();
    const { guest } = this;
    if (!guest) return stored;
    return stored?.userId === guest.userId && stored.expiresAt > guest.expiresAt ? stored : guest;
  }

  private keepGuest(guest: Guest): void {
    this.guest = guest;
    this.storage.saveGuest(guest);
  }

  private scheduleRenewal(): void {
    clearTimeout(this.renewalTimer);
    if (!this.guest) return;
    this.renewalTimer = setTimeout(() => void this.renewInTime(), renewalDelay(this.guest, this.clock.now()));
  }

  /** Renews the token before it ends. A guest who cannot be renewed stays until the connection ends: the chat is theirs. */
  private async renewInTime(): Promise<void> {
    const isOver = await withGuestLock(async () => {
      this.guest = this.newestToken();
      if (!this.guest || !needsRenewal(this.guest, this.clock.now())) return false;
      const reply = await this.http.guest(this.guest.token);
      const renewed = reply.ok ? parseGuest(reply.json) : undefined;
      if (renewed?.userId === this.guest.userId) this.keepGuest(renewed);
      return !reply.ok && reply.status === 401;
    });
    if (!isOver) this.scheduleRenewal();
  }
}

/**
 * One tab at a time, so that two that are opened at once become one guest. Only pages with TLS, or on localhost, have
 * locks, and browsers deny them where storage is blocked.
 */
async function withGuestLock<T>(action: () => Promise<T>): Promise<T> {
  let result: Promise<T> | undefined;
  const run = (): Promise<T> => (result = action());
  try {
    await navigator.locks?.request('chatbox-guest', { signal: AbortSignal.timeout(LOCK_TIMEOUT_MS) }, run);
  } catch {
    // The lock was denied, or another tab holds it for too long.
  }
  return result ?? run();
}
