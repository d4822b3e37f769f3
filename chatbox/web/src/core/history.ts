/** Responses of the HTTP API: a session's history, and the list of sessions. */

import { type Json, asArray, asCount, asNonEmpty, asObject, defined } from './json';
import { type Message, parseMessage } from './wire';

export interface History {
  messages: Message[];
  seq: number;
}

export function parseHistory(json: Json | undefined): History {
  const messages = defined(asArray(json?.messages).map((entry) => parseMessage(asObject(entry) ?? {})));
  return { messages, seq: asCount(json?.seq) ?? 0 };
}

/** The id of the newest active session. The server lists them newest first. */
export function newestActiveSession(json: Json | undefined): string | undefined {
  const active = asArray(json?.sessions).map(asObject).find((session) => session?.is_active === true);
  return asNonEmpty(active?.id);
}
