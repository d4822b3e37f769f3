/** Who speaks: the holder of a token the page was opened with, or a guest of this browser. */

import { type Guest, needsRenewal, parseGuest, renewIn } from '../core/guest';
import type { Stop } from '../core/words';
import type { Http } from './http';
import type { Keep } from './storage';

export type Proof =
  /** `changed`: a guest who could not stay the same person. */
  | { token: string; changed: boolean }
  | { stop: Stop }
  | { retryAfterMs: number };

/** What a subprotocol may be made of. */
const TOKEN = /^[\w.~+-]+$/;

export class Identity {
  /** The token that was shown last, to see whether another window has renewed it since. */
  private shown: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly http: Http,
    private readonly keep: Keep,
    private given: string | undefined,
  ) {}

  /** A token to connect with; `renew` when the last one does not seem to work. */
  async prove(renew: boolean): Promise<Proof> {
    if (this.given !== undefined) return this.proveGiven(this.given, renew);
    const proof = await inTurn(() => this.proveGuest(renew));
    if ('token' in proof) this.shown = proof.token;
    this.renewInTime();
    return proof;
  }

  /** The server called the token bad. A guest's is not offered again after a reload. */
  refused(): Stop {
    if (this.given === undefined) this.keep.forgetGuest();
    else this.keep.forgetToken();
    return this.given === undefined ? 'refused' : 'token_refused';
  }

  private async proveGiven(token: string, doubted: boolean): Promise<Proof> {
    if (!TOKEN.test(token)) return { stop: this.refused() };
    if (!doubted) return { token, changed: false };
    const reply = await this.http.sessions(token);
    if (reply.ok) return { token, changed: false };
    return reply.status === 401 ? { stop: this.refused() } : { retryAfterMs: reply.retryAfterMs };
  }

  private async proveGuest(renew: boolean): Promise<Proof> {
    const known = this.keep.guest();
    const isFresh = known && !needsRenewal(known, Date.now()) && (!renew || known.token !== this.shown);
    if (isFresh) return { token: known.token, changed: false };
    const reply = await this.http.guest(known?.token);
    if (!reply.ok && reply.status === 401 && known) return this.becomeSomeone();
    return this.admit(reply, known);
  }

  private async becomeSomeone(): Promise<Proof> {
    const before = this.keep.guest();
    return this.admit(await this.http.guest(), before);
  }

  private admit(reply: Awaited<ReturnType<Http['guest']>>, before: Guest | undefined): Proof {
    if (!reply.ok && reply.status === 404) return { stop: 'token_needed' };
    const guest = reply.ok ? parseGuest(reply.json) : undefined;
    if (!guest) return { retryAfterMs: reply.ok ? 0 : reply.retryAfterMs };
    this.keep.keepGuest(guest);
    return { token: guest.token, changed: before !== undefined && before.userId !== guest.userId };
  }

  private renewInTime(): void {
    clearTimeout(this.timer);
    const guest = this.keep.guest();
    if (guest) this.timer = setTimeout(() => void this.prove(false), renewIn(guest, Date.now()));
  }
}

/** One window at a time, so that two of them opened at once become one guest. Only secure pages have locks. */
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request('chatbox-guest', act) : act();
}
