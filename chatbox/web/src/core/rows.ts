/** The conversation as a list of rows to render, from top to bottom. */

import type { Conversation } from './conversation';
import type { PendingMessage } from './outbox';
import { type LiveAnswer, questionOf } from './transcript';
import type { Message, Status } from './wire';

export type Row =
  | { kind: 'date'; key: string; at: string }
  | { kind: 'question'; key: string; message: Message; isLatest: boolean }
  | { kind: 'pending'; key: string; entry: PendingMessage; isInFlight: boolean }
  | { kind: 'answer'; key: string; message: Message; failureCode?: string | undefined; again?: Again | undefined }
  | { kind: 'live'; key: string; live: LiveAnswer }
  | { kind: 'system'; key: string; message: Message };

/** The question of an answer that is not what was asked for, to be asked once more, as it was or in other words. */
export interface Again {
  text: string;
  mustChange: boolean;
}

/** Asked unchanged, these would fail again. */
const MUST_CHANGE: ReadonlySet<string | undefined> = new Set(['LLM_CONTEXT_TOO_LONG', 'LLM_CONTENT_FILTERED']);

/**
 * Stored messages come first, in their order. Pending ones and the answer that is being written follow in the order in
 * which they will be stored, so that no row moves when they are: the answer before messages that the server rejected.
 */
export function rows(conversation: Conversation, dayOf: (at: string) => string): Row[] {
  const { messages, live } = conversation.transcript;
  const { entries, inFlight } = conversation.outbox;
  const lastQuestion = entries.length > 0 ? messages.length : messages.findLastIndex(({ sender }) => sender === 'user');
  const stored = messages.map((message, index) => rowOf(conversation, message, index, lastQuestion));
  const answers = live.map((answer): Row => ({ kind: 'live', key: answer.run, live: answer }));
  const pending = entries.map((entry): Row => {
    const key = entry.clientId;
    return { kind: 'pending', key, entry, isInFlight: inFlight?.clientId === key };
  });
  const rejectedAt = entries.findIndex(({ rejection }) => rejection);
  const answerAt = rejectedAt < 0 ? entries.length : rejectedAt;
  return withDates([...stored, ...pending.toSpliced(answerAt, 0, ...answers)], dayOf);
}

/** Adds a row before the first message of each day. */
function withDates(rows: Row[], dayOf: (at: string) => string): Row[] {
  let current = '';
  return rows.flatMap((row): Row[] => {
    const at = timeOf(row);
    const day = dayOf(at) || current;
    if (day === current) return [row];
    current = day;
    return [{ kind: 'date', key: `date ${row.key}`, at }, row];
  });
}

function timeOf(row: Row): string {
  switch (row.kind) {
    case 'date':
      return row.at;
    case 'pending':
      return row.entry.at;
    case 'live':
      return row.live.at;
    default:
      return row.message.at;
  }
}

function rowOf({ transcript }: Conversation, message: Message, index: number, lastQuestion: number): Row {
  const { messages, failureCodes } = transcript;
  const key = message.clientId ?? message.run ?? message.id;
  if (message.sender === 'user') return { kind: 'question', key, message, isLatest: index === lastQuestion };
  if (message.sender === 'system') return { kind: 'system', key, message };
  const failureCode = message.run && failureCodes.get(message.run);
  // Only the last question is offered again: after a newer one, repeating an old one would be out of place.
  const text = index > lastQuestion ? questionOf(messages, message)?.text : undefined;
  const again = text !== undefined ? againOf(message.status, text, failureCode) : undefined;
  return { kind: 'answer', key, message, again, failureCode };
}

function againOf(status: Status, text: string, failureCode: string | undefined): Again | undefined {
  if (status === 'content_filter') return { text, mustChange: true };
  return status === 'failed' || status === 'interrupted' ? { text, mustChange: MUST_CHANGE.has(failureCode) } : undefined;
}
