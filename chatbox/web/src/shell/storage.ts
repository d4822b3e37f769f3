/**
 * What this page knows, with copies in the browser's storage for the next page. The browser may deny storage, have no
 * room in it, or delete it at any moment; then the chat goes on, and only a reload loses state.
 */

import { type Guest, parseGuest, serializeGuest } from '../core/guest';
import { parseObject } from '../core/json';
import { type PendingMessage, restore } from '../core/outbox';

export class Storage {
  private readonly scope: string;
  /** Pending messages that this page has written or read, by `clientId`. */
  private readonly known = new Map<string, PendingMessage>();
  /** Those without a copy. */
  private readonly unsaved = new Set<string>();

  constructor(prefix: string) {
    this.scope = `chatbox:${prefix}:`;
  }

  /** The guest whom a new tab would be: another one than that of this page if storage was cleared since. */
  guest(): Guest | undefined {
    return parseGuest(parseObject(attempt(() => localStorage.getItem(`${this.scope}guest`)) ?? ''));
  }

  /** Two tabs that are different guests do not overwrite each other's: new tabs follow the one that came first. */
  saveGuest(guest: Guest): void {
    if ((this.guest()?.userId ?? guest.userId) !== guest.userId) return;
    attempt(() => localStorage.setItem(`${this.scope}guest`, JSON.stringify(serializeGuest(guest))));
  }

  deleteGuest({ userId }: Guest): void {
    if (this.guest()?.userId === userId) attempt(() => localStorage.removeItem(`${this.scope}guest`));
  }

  /** Pending messages of `session`, oldest first. Each has a key of its own, so that two tabs do not overwrite each other's. */
  pending(session: string): PendingMessage[] {
    const keys = attempt(() => Object.keys(localStorage)) ?? [];
    for (const key of keys.filter((key) => key.startsWith(`${this.scope}pending:`))) {
      const entry = restore(parseObject(attempt(() => localStorage.getItem(key)) ?? ''));
      if (!entry) attempt(() => localStorage.removeItem(key));
      else if (!this.known.has(entry.clientId)) this.known.set(entry.clientId, entry);
    }
    return [...this.known.values()]
      .filter((entry) => entry.session === session)
      .sort((a, b) => a.order - b.order || a.at.localeCompare(b.at));
  }

  savePending(entry: PendingMessage): void {
    this.known.set(entry.clientId, entry);
    const isSaved = attempt(() => {
      localStorage.setItem(`${this.scope}pending:${entry.clientId}`, JSON.stringify(entry));
      return true;
    });
    if (!isSaved) this.unsaved.add(entry.clientId);
  }

  deletePending(clientId: string): void {
    this.known.delete(clientId);
    this.unsaved.delete(clientId);
    attempt(() => localStorage.removeItem(`${this.scope}pending:${clientId}`));
  }

  hasUnsaved(): boolean {
    return this.unsaved.size > 0;
  }

  /** The token that the page was opened with. It was removed from the URL, and is stored for this tab alone. */
  token(): string | undefined {
    return attempt(() => sessionStorage.getItem(`${this.scope}token`)) || undefined;
  }

  saveToken(token: string): void {
    attempt(() => sessionStorage.setItem(`${this.scope}token`, token));
  }

  deleteToken(): void {
    attempt(() => sessionStorage.removeItem(`${this.scope}token`));
  }
}

/** Access to storage throws where it is denied or full. */
function attempt<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    return undefined;
  }
}
