/** Requests to the HTTP API of the server that serves this page. */

import { asObject, type Json } from '../core/json';

export type Reply = { ok: true; json: Json | undefined } | FailedRequest;

export interface FailedRequest {
  ok: false;
  /** 0 when there was no response. */
  status: number;
  retryAfterMs: number;
}

const TIMEOUT_MS = 15_000;

export class Http {
  constructor(private readonly prefix: string) {}

  /** A new guest, or a fresh token for the guest whose token is given. */
  guest(token?: string): Promise<Reply> {
    return this.request('POST', '/guest', token);
  }

  sessions(token: string): Promise<Reply> {
    return this.request('GET', '/sessions', token);
  }

  session(id: string, token: string): Promise<Reply> {
    return this.request('GET', `/sessions/${encodeURIComponent(id)}`, token);
  }

  private async request(method: string, path: string, token?: string): Promise<Reply> {
    try {
      const response = await fetch(this.prefix + path, {
        method,
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return { ok: true, json: asObject(await response.json()) };
      const seconds = Number(response.headers.get('Retry-After')) || 0;
      return { ok: false, status: response.status, retryAfterMs: seconds * 1000 };
    } catch {
      return { ok: false, status: 0, retryAfterMs: 0 };
    }
  }
}
