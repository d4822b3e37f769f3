/** What the browser keeps for this chat. A browser that keeps nothing is fine: then nothing survives a reload. */

import { type Guest, keepable, parseGuest } from '../core/guest';
import { parse, present } from '../core/json';
import { restore, type Unsent } from '../core/outbox';

export class Keep {
  private readonly scope: string;

  constructor(prefix: string) {
    this.scope = `chatbox:${prefix}:`;
  }

  guest(): Guest | undefined {
    return parseGuest(parse(this.read('guest') ?? ''));
  }

  keepGuest(guest: Guest): void {
    this.write('guest', JSON.stringify(keepable(guest)));
  }

  forgetGuest(): void {
    attempt(() => localStorage.removeItem(this.scope + 'guest'));
  }

  /** Unsent messages of `session`, oldest first. Each has a key of its own, so that windows do not overwrite another's. */
  unsent(session: string, now: number): Unsent[] {
    const keys = attempt(() => Object.keys(localStorage)) ?? [];
    const entries = keys
      .filter((key) => key.startsWith(this.scope + 'unsent:'))
      .map((key) => restore(parse(attempt(() => localStorage.getItem(key)) ?? ''), now) ?? this.drop(key));
    return present(entries)
      .filter((entry) => entry.session === session)
      .sort((a, b) => a.at.localeCompare(b.at));
  }

  keepUnsent(entry: Unsent): void {
    this.write(`unsent:${entry.clientId}`, JSON.stringify(entry));
  }

  forgetUnsent(clientId: string): void {
    this.drop(`${this.scope}unsent:${clientId}`);
  }

  /** A token the page was opened with: gone from the address, and kept for this tab alone. */
  token(): string | undefined {
    return attempt(() => sessionStorage.getItem(this.scope + 'token')) ?? undefined;
  }

  keepToken(token: string): void {
    attempt(() => sessionStorage.setItem(this.scope + 'token', token));
  }

  forgetToken(): void {
    attempt(() => sessionStorage.removeItem(this.scope + 'token'));
  }

  private read(key: string): string | undefined {
    return attempt(() => localStorage.getItem(this.scope + key)) ?? undefined;
  }

  private write(key: string, value: string): void {
    attempt(() => localStorage.setItem(this.scope + key, value));
  }

  private drop(key: string): undefined {
    attempt(() => localStorage.removeItem(key));
  }
}

/** Storage throws where it is switched off or full. */
function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}
