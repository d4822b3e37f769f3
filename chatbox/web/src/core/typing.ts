/** Who is writing: the visitor, which a member of staff is told of, and a member of staff, which the page shows. */

import type { Conversation, Step } from './conversation';
import { assistedBy } from './current';
import { type Sender, TYPING_FRAME } from './wire';

/** The visitor is said to be writing at most so often. */
const TELL_EVERY_MS = 2_000;
const SHOWN_MS = 5_000;

/** The visitor types. Only a member of staff cares. */
export function typed(before: Conversation, now: number): Step {
  const isDue = now - (before.toldAt ?? -Infinity) >= TELL_EVERY_MS;
  if (!isDue || !before.connected || assistedBy(before.transcript) === undefined) return [before, []];
  return [{ ...before, toldAt: now }, [{ type: 'transmit', frame: TYPING_FRAME }]];
}

/** Somebody else in the conversation is writing. */
export function received(before: Conversation, sender: Sender, now: number): Conversation {
  return sender === 'admin' ? { ...before, writingUntil: now + SHOWN_MS } : before;
}

/** Time has passed. */
export function expired(before: Conversation, now: number): Conversation {
  return now >= (before.writingUntil ?? Infinity) ? { ...before, writingUntil: undefined } : before;
}

/** The name of the member of staff who is writing, if one is. */
export function writer({ transcript, writingUntil }: Conversation): string | undefined {
  return writingUntil === undefined ? undefined : assistedBy(transcript);
}
