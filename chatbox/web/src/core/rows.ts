/** The conversation as it is shown, from top to bottom. */

import type { Conversation } from './conversation';
import type { Unsent } from './outbox';
import { type Live, questionOf } from './transcript';
import type { Message } from './wire';

export type Row =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'said'; key: string; message: Message; latest: boolean }
  | { kind: 'answer'; key: string; message: Message; reason?: string | undefined; question?: string | undefined }
  | { kind: 'aside'; key: string; message: Message }
  | { kind: 'unsent'; key: string; entry: Unsent }
  | { kind: 'live'; key: string; live: Live };

/**
 * Stored messages come first, in their order; then what waits to be sent, then the answer being written, which
 * will be stored behind both. So nothing jumps when it is stored. Keys stay the same too.
 */
export function rows(conversation: Conversation, dayOf: (at: string) => string): Row[] {
  const { messages, live } = conversation.transcript;
  const { entries } = conversation.outbox;
  const lastAsked = entries.length > 0 ? messages.length : messages.findLastIndex(({ sender }) => sender === 'user');
  const stored = messages.flatMap((message, index): Row[] => {
    const day = dayOf(message.at);
    const before = messages[index - 1];
    const row = rowOf(conversation, message, index, lastAsked);
    return day && (!before || dayOf(before.at) !== day) ? [{ kind: 'day', key: `day ${day}`, at: message.at }, row] : [row];
  });
  return [
    ...stored,
    ...entries.map((entry): Row => ({ kind: 'unsent', key: entry.clientId, entry })),
    ...live.map((open): Row => ({ kind: 'live', key: open.run, live: open })),
  ];
}

function rowOf({ transcript }: Conversation, message: Message, index: number, lastAsked: number): Row {
  const { messages, reasons } = transcript;
  const key = message.clientId ?? message.run ?? message.id;
  if (message.sender === 'user') return { kind: 'said', key, message, latest: index === lastAsked };
  if (message.sender === 'system') return { kind: 'aside', key, message };
  // A question can be asked again until another one was: then the talk has moved on.
  const question = message.status !== 'complete' && index > lastAsked ? questionOf(messages, message)?.text : undefined;
  return { kind: 'answer', key, message, question, reason: message.run && reasons.get(message.run) };
}
