/** Requests to the HTTP API of the server that serves this page. */

import { asObject, type Json } from '../core/json';
import { retryAfterMs } from '../core/reconnect';
import type { ServerClock } from './clock';

export type Reply = { ok: true; json: Json | undefined } | FailedRequest;

export interface FailedRequest {
  ok: false;
  /** 0 when there was no response. */
  status: number;
  retryAfterMs: number;
}

const TIMEOUT_MS = 15_000;

export class Http {
  constructor(
    private readonly prefix: string,
    private readonly clock: ServerClock,
  ) {}

  /** A new guest, or a fresh token for the guest whose token is given. */
  guest(token?: string): Promise<Reply> {
    return this.request('POST', '/guest', token);
  }

  sessions(token: string): Promise<Reply> {
    return this.request('GET', '/sessions', token);
  }

  session(id: string, token: string): Promise<Reply> {
    // Answers without a word are left out for older clients. Here they say that something went wrong.
    return this.request('GET', `/sessions/${encodeURIComponent(id)}?with_empty=true`, token);
  }

  private async request(method: string, path: string, token?: string): Promise<Reply> {
    try {
      const response = await fetch(this.prefix + path, {
        method,
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      this.clock.sync(response.headers.get('Date'));
      if (response.ok) return { ok: true, json: asObject(await response.json()) };
      const delay = retryAfterMs(response.headers.get('Retry-After'), this.clock.now());
      return { ok: false, status: response.status, retryAfterMs: delay };
    } catch {
      return { ok: false, status: 0, retryAfterMs: 0 };
    }
  }
}
