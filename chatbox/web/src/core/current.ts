/**
 * What holds of a conversation: a question that another one replaces is not shown, nor are its answers, and of several
 * answers to one question the newest stands for all, also while it is being written. What was said before a member of staff
 * came or went is no model's to answer any more.
 */

import { isSendable, type Outbox } from './outbox';
import { staffName } from './strings';
import type { LiveAnswer, Transcript } from './transcript';
import type { Message } from './wire';

export interface Current {
  messages: Message[];
  live: LiveAnswer[];
  /** The newest message of the user. */
  latest?: Message | undefined;
  /** It, if it is a question to a model. */
  question?: Message | undefined;
  /** Its answer. */
  answer?: Message | undefined;
  /** An answer is being written, or waited for. */
  isAnswering: boolean;
  /** Nothing is under way, so that the newest question and its answer may be replaced. */
  isAtRest: boolean;
}

/** A replacement that was not sent yet counts as one; once it is rejected for good, the old question is there again. */
export function current({ messages, live }: Transcript, { entries }: Outbox): Current {
  const replaced = new Set<number | undefined>([...messages, ...entries.filter(isSendable)].map(({ replaces }) => replaces));
  replaced.delete(undefined);
  const running = live.filter(({ question }) => !replaced.has(question));
  const answered = newestAnswers(messages);
  for (const { question } of running) if (question !== undefined) answered.set(question, undefined);
  const shown = messages.filter(({ seq, question }) =>
    question === undefined ? !replaced.has(seq) : !replaced.has(question) && answered.get(question) === seq,
  );
  const latest = shown.findLast(({ sender, kind }) => sender === 'user' && !kind);
  const staff = newestOfStaff(messages);
  const isForModel = latest && !isPresent(staff) && latest.seq > (staff?.seq ?? 0);
  const question = isForModel ? latest : undefined;
  const answer = question && shown.findLast((message) => isAnswerTo(message, question));
  const isAnswering = running.length > 0 || (question !== undefined && !answer);
  const isAtRest = !isAnswering && !entries.some(isSendable);
  return { messages: shown, live: running, latest, question, answer, isAnswering, isAtRest };
}

/** The name of the member of staff who is in the conversation, if one is. */
export function assistedBy({ messages }: Transcript): string | undefined {
  const staff = newestOfStaff(messages);
  return isPresent(staff) ? staffName(staff?.name) : undefined;
}

/** A human was asked for, or is there. */
export function isHelpAsked({ messages }: Transcript): boolean {
  return isPresent(messages.findLast(({ sender, kind }) => sender === 'admin' || kind === 'help_request'));
}

/** The newest message by or about a member of staff. Only one who is there says something. */
function newestOfStaff(messages: readonly Message[]): Message | undefined {
  return messages.findLast(({ sender }) => sender === 'admin');
}

function isPresent(staff: Message | undefined): boolean {
  return staff !== undefined && staff.kind !== 'admin_leave';
}

/** `seq` of the newest answer to each question. Messages are in their order, so later ones overwrite earlier ones. */
function newestAnswers(messages: readonly Message[]): Map<number, number | undefined> {
  const answers = new Map<number, number | undefined>();
  for (const { seq, question } of messages) if (question !== undefined) answers.set(question, seq);
  return answers;
}

/** An answer that does not say what it answers is one to the question before it. */
function isAnswerTo({ sender, seq, question }: Message, { seq: asked }: Message): boolean {
  return sender === 'ai' && (question === undefined ? seq > asked : question === asked);
}
