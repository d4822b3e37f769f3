/**
 * One session as one value: the transcript, the outbox, and the state of the connection.
 * Every function takes the conversation and an event, and returns the next conversation with the effects to carry out.
 */

import * as outbox from './outbox';
import * as requests from './requests';
import * as transcript from './transcript';
import * as typing from './typing';
import { type Frame, type Message, type Position, resumeFrame, type Run, userMessageFrame, type WireError } from './wire';

export interface Conversation {
  session: string;
  transcript: transcript.Transcript;
  outbox: outbox.Outbox;
  requests: requests.Request[];
  /** Id of the model that was chosen in this session, if one was. */
  model?: string | undefined;
  /** The server's hello came on this connection. */
  connected: boolean;
  resume?: ResumeRequest | undefined;
  gap?: transcript.Gap | undefined;
  /** Code of the last error or remark that belongs to no message. */
  notice?: string | undefined;
  /** When staff were told last that the visitor is writing. */
  toldAt?: number | undefined;
  /** A member of staff is shown to be writing until then. */
  writingUntil?: number | undefined;
}

/** A request for missing messages, until the server says `caught_up`. */
interface ResumeRequest {
  deadline: number;
  from: Position;
  /** The history was read just before, so no source is left that has more. */
  afterReload?: boolean;
  /** The run that the server has named since. */
  run?: string;
  /** The server had no time for it: it is made again at the deadline. */
  isPostponed?: boolean;
  /** It was made because there was no reply to earlier requests. */
  settlesRequests?: boolean;
}

export type Effect =
  | { type: 'transmit'; frame: string }
  /** Too much is missing: read the history, then call `historyLoaded`. */
  | { type: 'reload' }
  /** The connection is dead. */
  | { type: 'reconnect' }
  | { type: 'persist'; entry: outbox.PendingMessage }
  | { type: 'forget'; clientId: string }
  | { type: 'announce'; message: Message };

export type Step = [Conversation, Effect[]];

/** Close codes for a frame that is too big, or not text. Sent again, it would end the next connection too. */
const BAD_FRAME: ReadonlyMap<number, string> = new Map([[1009, 'TOO_LONG'], [1007, 'INVALID_FORMAT']]);
const RESUME_TIMEOUT_MS = 10_000;
/** Errors about a frame of this page. */
const UNREADABLE: ReadonlySet<string> = new Set(['INVALID_FORMAT', 'MISSING_FIELD']);

export function start(session: string, pending: outbox.PendingMessage[]): Conversation {
  return { session, transcript: transcript.EMPTY, outbox: { entries: pending }, requests: [], connected: false };
}

/** The history was read. Pending messages that it contains were stored. */
export function historyLoaded(before: Conversation, history: Message[], seq: number, now: number): Step {
  const next = { ...before, gap: undefined, transcript: transcript.withHistory(before.transcript, history, seq) };
  const step = history.reduce((step, message) => andThen(step, (c) => confirmPending(c, message)), [next, []] as Step);
  return step[0].connected ? andThen(step, (c) => requestResume(c, now, true)) : step;
}

/** The connection ended. */
export function disconnected(before: Conversation, code: number, now: number): Conversation {
  const { inFlight } = before.outbox;
  const cause = BAD_FRAME.get(code);
  const error = cause && { code: cause, recoverable: false };
  const pending = inFlight && error ? outbox.rejected(before.outbox, inFlight.clientId, error, now) : before.outbox;
  return {
    ...before,
    connected: false,
    resume: undefined,
    gap: undefined,
    writingUntil: undefined,
    outbox: outbox.requeued(pending),
    requests: requests.requeued(before.requests),
  };
}

export function send(before: Conversation, entry: outbox.PendingMessage, now: number): Step {
  const next = { ...before, notice: undefined, outbox: outbox.add(before.outbox, entry) };
  return andThen([next, [{ type: 'persist', entry }]], (c) => flush(c, now));
}

export function retry(before: Conversation, clientId: string, now: number): Step {
  return flush({ ...before, outbox: outbox.retry(before.outbox, clientId) }, now);
}

export function remove(before: Conversation, clientId: string, now: number): Step {
  return andThen(removePending(before, clientId), (c) => flush(c, now));
}

/** Asks for missing messages, to find out whether the connection is alive: a reply in time proves it. */
export function probe(before: Conversation, now: number): Step {
  const isIdle = before.connected && !before.resume;
  return isIdle ? requestResume(before, now) : [before, []];
}

/** Time has passed: a deadline may have been reached. */
export function tick(shown: Conversation, now: number): Step {
  if (!shown.connected) return [shown, []];
  const before = typing.expired(shown, now);
  const isDue = now >= (before.resume?.deadline ?? Infinity);
  if (isDue && before.resume?.isPostponed) return requestResume(before, now, before.resume.afterReload);
  const isDead = outbox.hasTimedOut(before.outbox, now) || isDue;
  if (isDead) return [before, [{ type: 'reconnect' }]];
  // A request that was accepted in silence looks like one that was lost. A reply to a later one tells.
  const isSilent = !before.resume && now >= requests.nextDeadline(before.requests);
  const step: Step = isSilent ? requestResume(before, now) : [before, []];
  return andThen(step, (c) => flush(isSilent && c.resume ? { ...c, resume: { ...c.resume, settlesRequests: true } } : c, now));
}

/** When to call `tick` next. */
export function nextDeadline({ connected, resume, outbox: pending, requests: asked, writingUntil = Infinity }: Conversation): number | undefined {
  if (!connected) return undefined;
  const reply = resume?.deadline ?? requests.nextDeadline(asked);
  const at = Math.min(reply, writingUntil, outbox.nextDeadline(pending) ?? Infinity);
  return at < Infinity ? at : undefined;
}

export function receive(before: Conversation, frame: Frame, now: number): Step {
  const asked = andThen(take(before, frame, now), (c) => requests.flush(c, now));
  return andThen(asked, (c) => flush(c, now));
}

function take(before: Conversation, frame: Frame, now: number): Step {
  const { resume, transcript: known } = before;
  // Any frame shows that the connection is alive.
  const isWaiting = resume && !resume.isPostponed;
  const current = {
    ...before,
    ...(isWaiting && { resume: { ...resume, deadline: now + RESUME_TIMEOUT_MS } }),
    outbox: outbox.heard(before.outbox, now),
  };
  switch (frame.type) {
    case 'hello':
      return receiveHello(current, frame, now);
    case 'ack':
      return receiveAck(current, frame, now);
    case 'caughtUp':
      return receiveCaughtUp(current, frame, now);
    case 'model':
      return [requests.modelChosen(current, frame.model), []];
    case 'cancel':
      return [requests.cancelReplied(current, frame.run), []];
    case 'help':
      return [requests.helpReplied(current), []];
    case 'typing':
      return [typing.received(current, frame.sender, now), []];
    case 'message':
      return receiveMessage(current, frame.message, now);
    case 'loading':
      return applied(naming(current, frame.run), transcript.applyLoading(known, frame.run, frame.at), now);
    case 'delta': {
      const next = transcript.applyDelta(known, frame.run, frame.off, frame.text, frame.at);
      return applied(naming(current, frame.run), next, now);
    }
    case 'final':
      return receiveFinal(current, frame, now);
    case 'error':
      return receiveError(current, frame.error, now);
    case 'unknown':
      return frame.seq ? applied(current, transcript.applySeq(known, frame.seq), now) : [current, []];
  }
}

function receiveMessage(before: Conversation, message: Message, now: number): Step {
  const next = transcript.applyMessage(before.transcript, message);
  const isOfStaff = message.sender === 'admin';
  const current = isOfStaff ? { ...before, writingUntil: undefined } : before;
  // What comes while the page catches up was said before.
  const isNews = (isOfStaff || message.kind) && next.transcript !== before.transcript && !before.resume;
  const effects: Effect[] = isNews ? [{ type: 'announce', message }] : [];
  const step = andThen(applied(current, next, now), (c) => confirmPending(c, message));
  return andThen([step[0], [...step[1], ...effects]], (c) => flush(c, now));
}

/** Notes the run that the server has named. */
function naming(before: Conversation, { id }: Run): Conversation {
  return before.resume ? { ...before, resume: { ...before.resume, run: id } } : before;
}

function receiveHello(before: Conversation, { limits }: Frame & { type: 'hello' }, now: number): Step {
  // The socket's URL asked to resume. Of a new chat nothing can be missing, so nothing waits for the answer.
  const resume = before.transcript.lastSeq > 0 ? resumeRequest(before, now) : undefined;
  const pending = outbox.withLimit(before.outbox, limits.messageChars);
  // If one was chosen, the server names it next.
  return flush({ ...before, connected: true, resume, outbox: pending, model: undefined }, now);
}

function receiveAck(before: Conversation, ack: Frame & { type: 'ack' }, now: number): Step {
  const entry = outbox.find(before.outbox, ack.clientId);
  if (!entry) return applied(before, transcript.gapBefore(before.transcript, ack.seq), now);
  const message: Message = {
    id: ack.id,
    seq: ack.seq,
    clientId: ack.clientId,
    sender: 'user',
    text: entry.content,
    at: ack.at,
    status: 'complete',
    replaces: entry.replaces,
  };
  return take(before, { type: 'message', message }, now);
}

function receiveCaughtUp(before: Conversation, frame: Frame & { type: 'caughtUp' }, now: number): Step {
  const { resume, gap } = before;
  const settled = resume?.settlesRequests ? requests.accepted(before) : before;
  const known = resume ? transcript.withOnlyLive(before.transcript, resume.run) : before.transcript;
  const next = { ...settled, transcript: known, resume: undefined, gap: undefined };
  if (resume && frame.seq < resume.from.seq) {
    // The server has fewer messages than this page shows, as after the loss of a volume. Numbers will be given again,
    // and with the old transcript those messages would be taken for known ones.
    return [{ ...next, transcript: transcript.EMPTY, notice: 'HISTORY_LOST' }, [{ type: 'reload' }]];
  }
  if (!frame.recovered) return [next, [{ type: 'reload' }]];
  const isComplete = known.lastSeq >= frame.seq && (!gap || transcript.isClosed(known, gap));
  if (isComplete) return [next, []];
  if (resume?.afterReload) return [{ ...next, transcript: transcript.skipTo(known, frame.seq) }, []];
  const broughtNothing = resume && isSame(resume.from, transcript.position(known));
  return broughtNothing ? [next, [{ type: 'reload' }]] : requestResume({ ...next, gap }, now);
}

function receiveFinal(before: Conversation, frame: Frame & { type: 'final' }, now: number): Step {
  const step = applied(before, transcript.applyFinal(before.transcript, frame.run, frame.off, frame.message), now);
  const { id } = frame.run;
  const message = step[0].transcript.messages.find((known) => known.run === id);
  const wasLive = before.transcript.live.some((live) => live.run === id);
  const effects: Effect[] = message && wasLive ? [{ type: 'announce', message }] : [];
  const notice = step[0].notice === 'BUSY' ? undefined : step[0].notice;
  return andThen([{ ...step[0], notice }, [...step[1], ...effects]], (c) =>
    flush({ ...c, outbox: outbox.answered(c.outbox, now) }, now),
  );
}

function receiveError(before: Conversation, error: WireError, now: number): Step {
  const { inFlight } = before.outbox;
  if (requests.isRefusal(before, error)) return [requests.refused(before, error.code), []];
  // The server could not read the frame, not even its id. Sent again without end, it would hold up all that follow.
  const isUnreadable = UNREADABLE.has(error.code) && !error.isOfSession;
  const clientId = error.clientId ?? (isUnreadable ? inFlight?.clientId : undefined);
  if (clientId && outbox.find(before.outbox, clientId)) {
    return flush({ ...before, outbox: outbox.rejected(before.outbox, clientId, error, now) }, now);
  }
  if (error.run) {
    return [{ ...before, transcript: transcript.withFailureCode(before.transcript, error.run, error.code) }, []];
  }
  if (!before.connected || error.code === 'EXPIRED_TOKEN') return [before, []]; // The close that follows says what to do.
  if (error.code === 'TOO_MANY_REQUESTS' && before.resume) {
    const deadline = now + (error.retryAfter ?? RESUME_TIMEOUT_MS);
    return [{ ...before, resume: { ...before.resume, deadline, isPostponed: true } }, []];
  }
  return [{ ...before, notice: error.code }, []];
}

/** Takes over the transcript after a frame. A gap leads to a resume request, unless one is running. */
function applied(before: Conversation, { transcript: known, gap }: transcript.Applied, now: number): Step {
  const next = { ...before, transcript: known };
  if (!gap) return [next, []];
  const widest = { ...gap, seq: Math.max(gap.seq, before.gap?.seq ?? 0) };
  return before.resume ? [{ ...next, gap: widest }, []] : requestResume({ ...next, gap: widest }, now);
}

function requestResume(before: Conversation, now: number, afterReload = false): Step {
  const resume = { ...resumeRequest(before, now), afterReload };
  const frame = resumeFrame(before.session, resume.from);
  return [{ ...before, resume }, [{ type: 'transmit', frame }]];
}

function resumeRequest(before: Conversation, now: number): ResumeRequest {
  return { deadline: now + RESUME_TIMEOUT_MS, from: transcript.position(before.transcript) };
}

/** A stored message may be a pending one whose acknowledgement was lost. */
function confirmPending(before: Conversation, { clientId }: Message): Step {
  return clientId && outbox.find(before.outbox, clientId) ? removePending(before, clientId) : [before, []];
}

function removePending(before: Conversation, clientId: string): Step {
  return [{ ...before, outbox: outbox.remove(before.outbox, clientId) }, [{ type: 'forget', clientId }]];
}

/** Sends the next pending message, if it may be sent now. */
function flush(before: Conversation, now: number): Step {
  // The model that the person has chosen is to answer it.
  const canSend = before.connected && !requests.isChoosing(before);
  const entry = canSend ? outbox.nextToSend(before.outbox, now) : undefined;
  if (!entry) return [before, []];
  const frame = userMessageFrame(entry.session, entry.clientId, entry.content, entry.replaces);
  return [{ ...before, outbox: outbox.sent(before.outbox, entry.clientId, now) }, [{ type: 'transmit', frame }]];
}

export function andThen([before, effects]: Step, next: (conversation: Conversation) => Step): Step {
  const [after, more] = next(before);
  return [after, [...effects, ...more]];
}

function isSame(a: Position, b: Position): boolean {
  return a.seq === b.seq && a.run === b.run && a.off === b.off;
}
