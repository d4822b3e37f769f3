/** The browser's storage for this chat. It may be switched off or full; then the chat works, but a reload loses state. */

import { type Guest, parseGuest, serializeGuest } from '../core/guest';
import { defined, parseObject } from '../core/json';
import { type PendingMessage, restore } from '../core/outbox';

export class Storage {
  private readonly scope: string;

  constructor(prefix: string) {
    this.scope = `chatbox:${prefix}:`;
  }

  guest(): Guest | undefined {
    return parseGuest(parseObject(this.read('guest') ?? ''));
  }

  saveGuest(guest: Guest): void {
    this.write('guest', JSON.stringify(serializeGuest(guest)));
  }

  deleteGuest(): void {
    this.delete(`${this.scope}guest`);
  }

  /** Pending messages of `session`, oldest first. Each has a key of its own, so that two tabs do not overwrite each other's. */
  pending(session: string, now: number): PendingMessage[] {
    const keys = attempt(() => Object.keys(localStorage)) ?? [];
    const entries = keys
      .filter((key) => key.startsWith(`${this.scope}pending:`))
      .map((key) => restore(parseObject(attempt(() => localStorage.getItem(key)) ?? ''), now) ?? this.delete(key));
    return defined(entries)
      .filter((entry) => entry.session === session)
      .sort((a, b) => a.at.localeCompare(b.at));
  }

  savePending(entry: PendingMessage): void {
    this.write(`pending:${entry.clientId}`, JSON.stringify(entry));
  }

  deletePending(clientId: string): void {
    this.delete(`${this.scope}pending:${clientId}`);
  }

  /** The token that the page was opened with. It was removed from the URL, and is stored for this tab alone. */
  token(): string | undefined {
    return attempt(() => sessionStorage.getItem(`${this.scope}token`)) ?? undefined;
  }

  saveToken(token: string): void {
    attempt(() => sessionStorage.setItem(`${this.scope}token`, token));
  }

  deleteToken(): void {
    attempt(() => sessionStorage.removeItem(`${this.scope}token`));
  }

  private read(key: string): string | undefined {
    return attempt(() => localStorage.getItem(this.scope + key)) ?? undefined;
  }

  private write(key: string, value: string): void {
    attempt(() => localStorage.setItem(this.scope + key, value));
  }

  private delete(key: string): undefined {
    attempt(() => localStorage.removeItem(key));
  }
}

/** Access to storage throws where it is switched off or full. */
function attempt<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    return undefined;
  }
}
