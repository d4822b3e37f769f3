/** The conversation as a list of rows to render, from top to bottom. */

import type { Conversation } from './conversation';
import { type Current, current } from './current';
import type { PendingMessage } from './outbox';
import type { LiveAnswer } from './transcript';
import type { Message } from './wire';

export type Row =
  | { kind: 'date'; key: string; at: string }
  | { kind: 'question'; key: string; message: Message; isLatest: boolean; canEdit: boolean }
  | { kind: 'pending'; key: string; entry: PendingMessage; isInFlight: boolean }
  | { kind: 'answer'; key: string; message: Message; failureCode?: string | undefined; again?: Again | undefined }
  | { kind: 'live'; key: string; live: LiveAnswer }
  | { kind: 'system'; key: string; message: Message };

/** The answer may be written anew. `mustChange`: its question should be put in other words before, and asked instead. */
export interface Again {
  question: number;
  mustChange: boolean;
}

/** Asked unchanged, these would fail again. */
const MUST_CHANGE: ReadonlySet<string | undefined> = new Set(['LLM_CONTEXT_TOO_LONG', 'LLM_CONTENT_FILTERED']);

/**
 * Stored messages come first, in their order. Pending ones and the answer that is being written follow in the order in
 * which they will be stored, so that no row moves when they are: the answer before messages that the server rejected.
 */
export function rows(conversation: Conversation, dayOf: (at: string) => string): Row[] {
  const { entries, inFlight } = conversation.outbox;
  const now = current(conversation.transcript, conversation.outbox);
  const stored = now.messages.filter(isVisible).map((message) => rowOf(conversation, message, now));
  const answers = now.live.map((answer): Row => ({ kind: 'live', key: answer.run, live: answer }));
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

function rowOf({ transcript, outbox }: Conversation, message: Message, now: Current): Row {
  const key = message.clientId ?? message.run ?? message.id;
  if (message.kind || message.sender === 'system') return { kind: 'system', key, message };
  if (message.sender === 'user') {
    const isLatest = message === now.latest && outbox.entries.length === 0;
    return { kind: 'question', key, message, isLatest, canEdit: message === now.question && now.isAtRest };
  }
  const failureCode = message.run && transcript.failureCodes.get(message.run);
  const isNewest = message === now.answer && now.isAtRest;
  const again = isNewest && now.question ? { question: now.question.seq, mustChange: mustChange(message, failureCode) } : undefined;
  return { kind: 'answer', key, message, again, failureCode };
}

/** An answer that a human cut off before its first word is nothing to see. */
function isVisible({ status, text }: Message): boolean {
  return status !== 'superseded' || text !== '';
}

function mustChange({ status }: Message, failureCode: string | undefined): boolean {
  return status === 'content_filter' || (status === 'failed' && MUST_CHANGE.has(failureCode));
}
