/**
 * What the person asks for beside messages: another model, the end of an answer, another answer, a human. A request is kept until the
 * server has replied, and sent again on the next connection as long as it still makes sense there.
 *
 * A refusal names no request. The server replies in the order in which it was asked, so it is about the oldest one.
 */

import type { Conversation, Effect, Step } from './conversation';
import { current, isHelpAsked } from './current';
import { cancelFrame, helpRequestFrame, type Model, modelSelectFrame, regenerateFrame, type WireError } from './wire';

/** `deadline`: it was sent on this connection, and a reply should have come by then. `isAccepted`: it came. */
export type Request = { deadline?: number | undefined; isAccepted?: boolean } & (
  | { type: 'model'; model: string }
  /** Without `run` it is the answer that is waited for: its run has not begun yet. */
  | { type: 'cancel'; run?: string | undefined }
  /** `answer`: `seq` of the one that another shall stand for. */
  | { type: 'regenerate'; answer: number }
  | { type: 'help' }
);

/** Why there is no human: the words for these say it, or what to do. */
const SAID_AS_IT_IS: ReadonlySet<string> = new Set(['TOO_MANY_REQUESTS', 'UNAUTHORIZED']);
const REPLY_TIMEOUT_MS = 10_000;

/** Chooses the model of the next answers. */
export function chooseModel(before: Conversation, model: string, now: number): Step {
  const others = before.requests.filter(({ type, deadline }) => type !== 'model' || deadline !== undefined);
  return flush({ ...before, notice: undefined, requests: [...others, { type: 'model', model }] }, now);
}

/** Stops the answer that is being written or waited for. Twice is once. */
export function stop(before: Conversation, now: number): Step {
  const { live, isAnswering } = current(before.transcript, before.outbox);
  if (!isAnswering || isStopping(before)) return [before, []];
  const requests = [...before.requests, { type: 'cancel' as const, run: live.at(-1)?.run }];
  return flush({ ...before, notice: undefined, requests }, now);
}

/** Has the newest question answered once more. */
export function regenerate(before: Conversation, answer: number, now: number): Step {
  if (isRegenerating(before, answer)) return [before, []];
  return flush({ ...before, notice: undefined, requests: [...before.requests, { type: 'regenerate', answer }] }, now);
}

/** Asks for a human. Twice is once. */
export function requestHelp(before: Conversation, now: number): Step {
  if (isAskingForHelp(before) || isHelpAsked(before.transcript)) return [before, []];
  return flush({ ...before, notice: undefined, requests: [...before.requests, { type: 'help' }] }, now);
}

/** A human is being asked for: the server has not confirmed it yet. */
export function isAskingForHelp({ requests, transcript }: Conversation): boolean {
  return requests.some(({ type }) => type === 'help') && !isHelpAsked(transcript);
}

/** A choice of a model is still to be sent. */
export function isChoosing({ requests }: Conversation): boolean {
  return requests.some(({ type, deadline }) => type === 'model' && deadline === undefined);
}

/** The end of the answer that is being written or waited for was asked for. */
export function isStopping({ requests, transcript }: Conversation): boolean {
  return requests.some(
    (request) => request.type === 'cancel' && (request.run === undefined || transcript.live.some(({ run }) => run === request.run)),
  );
}

/** Another one was asked for in place of this answer. */
export function isRegenerating({ requests }: Conversation, answer: number): boolean {
  return requests.some((request) => request.type === 'regenerate' && request.answer === answer);
}

/** The model that answers next: the one that was asked for last, or that the server named, or the first one. */
export function answeringModel({ model, requests }: Conversation, models: readonly Model[]): Model | undefined {
  const wanted = requests.findLast((request) => request.type === 'model');
  const id = wanted?.model ?? model;
  return models.find((known) => known.id === id) ?? models[0];
}

/** Sends what may be sent now, and drops what makes no sense any more. The list is in the order in which requests were sent. */
export function flush(before: Conversation, now: number): Step {
  if (before.requests.length === 0) return [before, []];
  // While the answer to a resume is under way, a refusal could be about either, and what is known here may be old.
  const canSend = before.connected && (!before.resume || before.resume.isPostponed);
  const effects: Effect[] = [];
  const known = wanted(before);
  const sent = known.filter(({ deadline }) => deadline !== undefined);
  const waiting: Request[] = [];
  for (const request of known.filter(({ deadline }) => deadline === undefined)) {
    const frame = canSend ? frameOf(before, request) : undefined;
    if (frame) effects.push({ type: 'transmit', frame });
    if (frame) sent.push({ ...request, deadline: now + REPLY_TIMEOUT_MS });
    else waiting.push(request);
  }
  return [{ ...before, requests: [...sent, ...waiting] }, effects];
}

/** The connection ended: whether the server has read a request is not known. */
export function requeued(requests: readonly Request[]): Request[] {
  return requests.map(({ deadline: _, isAccepted: __, ...request }) => request);
}

/** Whether an error is about a request. The close that follows an expired token says what to do. */
export function isRefusal(before: Conversation, { code, clientId, run, isOfSession }: WireError): boolean {
  const isAboutOther = clientId !== undefined || run !== undefined || !isOfSession;
  return !isAboutOther && code !== 'EXPIRED_TOKEN' && oldest(before) !== undefined;
}

/** The server refused the oldest request: everything is as it was before. */
export function refused(before: Conversation, code: string): Conversation {
  const request = oldest(before);
  if (!request) return before;
  return { ...before, requests: before.requests.filter((other) => other !== request), notice: noticeOf(request, code) };
}

/** A model was chosen, by this page or another. */
export function modelChosen(before: Conversation, model: string): Conversation {
  const own = before.requests.find((request) => request.type === 'model' && request.model === model);
  return { ...before, model, requests: before.requests.filter((request) => request !== own) };
}

/** The reply to a request to stop a run. It ends soon, or has ended. */
export function cancelReplied(before: Conversation, run: string | undefined): Conversation {
  const own = before.requests.find(({ type, deadline, isAccepted }) => type === 'cancel' && deadline !== undefined && !isAccepted);
  const requests = before.requests.flatMap((request) => {
    if (request !== own) return [request];
    return run === undefined ? [] : [{ ...request, isAccepted: true }];
  });
  return { ...before, requests };
}

/** The reply to a request for a human. It is kept until its message comes, or a resume brings none. */
export function helpReplied(before: Conversation): Conversation {
  const requests = before.requests.map((request) => (request.type === 'help' ? { ...request, isAccepted: true } : request));
  return { ...before, requests };
}

/** The server replied to what was sent after all these requests, and so it has accepted them. */
export function accepted(before: Conversation): Conversation {
  const sent = before.requests.filter(({ deadline }) => deadline !== undefined);
  const chosen = sent.findLast((request) => request.type === 'model');
  return {
    ...before,
    model: chosen?.model ?? before.model,
    requests: before.requests.filter(({ deadline }) => deadline === undefined),
  };
}

/** When a reply should have come. */
export function nextDeadline(requests: readonly Request[]): number {
  return Math.min(Infinity, ...requests.map(({ deadline }) => deadline ?? Infinity));
}

/** The request whose reply comes next. */
function oldest({ requests }: Conversation): Request | undefined {
  return requests.find(({ deadline, isAccepted }) => deadline !== undefined && !isAccepted);
}

/** The requests without those that make no sense any more. One that was sent stays until its reply, which is not another's. */
function wanted(before: Conversation): Request[] {
  const { live, answer, isAnswering, isAtRest } = current(before.transcript, before.outbox);
  const models = before.requests.filter(({ type }) => type === 'model').length;
  return before.requests.flatMap((request): Request[] => {
    const isSent = request.deadline !== undefined;
    switch (request.type) {
      case 'model':
        return isSent || models > 1 || request.model !== before.model ? [request] : [];
      case 'cancel': {
        const run = request.run ?? live.at(-1)?.run;
        const isRunning = run === undefined ? isAnswering : live.some((other) => other.run === run);
        return isRunning || (isSent && !request.isAccepted) ? [{ ...request, run }] : [];
      }
      case 'regenerate': {
        const isNewest = isAtRest && answer?.seq === request.answer;
        return isNewest || (isSent && !isServed(before, request.answer)) ? [request] : [];
      }
      case 'help':
        return !isHelpAsked(before.transcript) || (isSent && !request.isAccepted) ? [request] : [];
    }
  });
}

/** Another answer to the same question has begun. */
function isServed({ transcript: { messages, live } }: Conversation, answer: number): boolean {
  const question = messages.find(({ seq }) => seq === answer)?.question;
  const isOther = (other: { question?: number | undefined; seq?: number }): boolean =>
    other.question === question && (other.seq ?? Infinity) > answer;
  return question === undefined || live.some(isOther) || messages.some(isOther);
}

function frameOf({ session }: Conversation, request: Request): string | undefined {
  switch (request.type) {
    case 'model':
      return modelSelectFrame(session, request.model);
    case 'cancel':
      return request.run === undefined ? undefined : cancelFrame(session, request.run);
    case 'regenerate':
      return regenerateFrame(session, request.answer);
    case 'help':
      return helpRequestFrame(session);
  }
}

function noticeOf({ type }: Request, code: string): string {
  if (type === 'help' && !SAID_AS_IT_IS.has(code)) return 'HELP_FAILED';
  switch (code) {
    case 'SERVICE_ERROR':
      return 'BUSY';
    case 'INVALID_FORMAT':
      return type === 'model' ? 'MODEL_GONE' : 'NOT_NEWEST';
    default:
      return code;
  }
}
