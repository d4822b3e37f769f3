/** The answers of the HTTP side. */

import { type Json, count, list, name, object, present } from './json';
import { type Message, parseMessage } from './wire';

export interface History {
  messages: Message[];
  seq: number;
}

export function parseHistory(json: Json | undefined): History {
  const messages = present(list(json?.messages).map((entry) => parseMessage(object(entry) ?? {})));
  return { messages, seq: count(json?.seq) ?? 0 };
}

/** The chat to go on with: the newest one that is still open. The server lists them newest first. */
export function newestActive(json: Json | undefined): string | undefined {
  const open = list(json?.sessions).map(object).find((session) => session?.is_active === true);
  return name(open?.id);
}
