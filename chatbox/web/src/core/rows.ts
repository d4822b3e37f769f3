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
  | { kind: 'unsent'; key: string; entry: Unsent; onItsWay: boolean }
  | { kind: 'live'; key: string; live: Live };

/**
 * Stored messages come first, in their order; then what waits to be sent, then the answer being written, which
 * will be stored behind both: so nothing jumps when it is stored, and keys stay the same.
 */
export function rows(conversation: Conversation, dayOf: (at: string) => string): Row[] {
  const { messages, live } = conversation.transcript;
  const { entries, flight } = conversation.outbox;
  const lastAsked = entries.length > 0 ? messages.length : messages.findLastIndex(({ sender }) => sender === 'user');
  return withDays(
    [
      ...messages.map((message, index) => rowOf(conversation, message, index, lastAsked)),
      ...entries.map((entry): Row => {
        const key = entry.clientId;
        return { kind: 'unsent', key, entry, onItsWay: flight?.clientId === key };
      }),
      ...live.map((open): Row => ({ kind: 'live', key: open.run, live: open })),
    ],
    dayOf,
  );
}

/** Puts a line wherever a new day begins. */
function withDays(rows: Row[], dayOf: (at: string) => string): Row[] {
  let today = '';
  return rows.flatMap((row): Row[] => {
    const at = timeOf(row);
    const day = dayOf(at) || today;
    if (day === today) return [row];
    today = day;
    return [{ kind: 'day', key: `day ${row.key}`, at }, row];
  });
}

function timeOf(row: Row): string {
  switch (row.kind) {
    case 'day':
      return row.at;
    case 'unsent':
      return row.entry.at;
    case 'live':
      return row.live.at;
    default:
      return row.message.at;
  }
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
