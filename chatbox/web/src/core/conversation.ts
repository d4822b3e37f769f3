/**
 * One chat as one value: what was said, what is still to be sent, and how the connection stands with it.
 * Every function takes the conversation and an event, and returns the next one with the effects to carry out.
 */

import * as outbox from './outbox';
import * as transcript from './transcript';
import { type Failure, type Frame, type Message, type Position, resume, userMessage } from './wire';

export interface Conversation {
  session: string;
  transcript: transcript.Transcript;
  outbox: outbox.Outbox;
  /** The server has greeted on this connection. */
  open: boolean;
  asking?: Asking | undefined;
  gap?: transcript.Gap | undefined;
  /** Code of the last trouble that belongs to no message. */
  notice?: string | undefined;
}

/** A request for what is missing, not answered yet. */
interface Asking {
  deadline: number;
  from: Position;
  /** The history was read just before, so there is no better source left. */
  reloaded?: boolean;
}

export type Effect =
  | { do: 'transmit'; frame: string }
  /** Too much is missing: read the history, then call `loaded`. */
  | { do: 'reload' }
  /** The socket does not answer. */
  | { do: 'reconnect' }
  | { do: 'keep'; entry: outbox.Unsent }
  | { do: 'forget'; clientId: string }
  | { do: 'announce'; message: Message };

export type Step = [Conversation, Effect[]];

/** The close code of a server that was sent too much in one frame: the same frame would end the next socket too. */
const TOO_BIG = 1009;
const ANSWER_WITHIN_MS = 10_000;

export function start(session: string, unsent: outbox.Unsent[]): Conversation {
  return { session, transcript: transcript.EMPTY, outbox: { entries: unsent }, open: false };
}

/** The history was read. What it holds needs no sending. */
export function loaded(before: Conversation, history: Message[], seq: number, now: number): Step {
  const next = { ...before, gap: undefined, transcript: transcript.withHistory(before.transcript, history, seq) };
  const settled = history.reduce((step, message) => chain(step, (c) => arrived(c, message)), [next, []] as Step);
  return settled[0].open ? chain(settled, (c) => ask(c, now, true)) : settled;
}

/** The connection ended. */
export function lost(before: Conversation, code: number, now: number): Conversation {
  const { flight } = before.outbox;
  const tooLong = { code: 'TOO_LONG', recoverable: false };
  const unsent =
    flight && code === TOO_BIG ? outbox.refused(before.outbox, flight.clientId, tooLong, now) : before.outbox;
  return { ...before, open: false, asking: undefined, gap: undefined, outbox: outbox.grounded(unsent) };
}

export function send(before: Conversation, entry: outbox.Unsent, now: number): Step {
  const next = { ...before, notice: undefined, outbox: outbox.add(before.outbox, entry) };
  return chain([next, [{ do: 'keep', entry }]], (c) => flush(c, now));
}

export function retry(before: Conversation, clientId: string, now: number): Step {
  return flush({ ...before, outbox: outbox.retry(before.outbox, clientId) }, now);
}

export function remove(before: Conversation, clientId: string, now: number): Step {
  return chain(dropUnsent(before, clientId), (c) => flush(c, now));
}

/** Asks for what may be missing; no reply says that the connection is dead. */
export function probe(before: Conversation, now: number): Step {
  return before.open && !before.asking && before.transcript.last > 0 ? ask(before, now) : [before, []];
}

/** A deadline may have passed. */
export function tick(before: Conversation, now: number): Step {
  if (!before.open) return [before, []];
  const dead = outbox.isStuck(before.outbox, now) || now >= (before.asking?.deadline ?? Infinity);
  return dead ? [before, [{ do: 'reconnect' }]] : flush(before, now);
}

/** When to call `tick` next. */
export function wakeAt({ open, asking, outbox: unsent }: Conversation): number | undefined {
  if (!open) return undefined;
  const at = Math.min(asking?.deadline ?? Infinity, outbox.wakeAt(unsent) ?? Infinity);
  return at < Infinity ? at : undefined;
}

export function receive(before: Conversation, frame: Frame, now: number): Step {
  const { asking, transcript: known } = before;
  const current = asking ? { ...before, asking: { ...asking, deadline: now + ANSWER_WITHIN_MS } } : before;
  switch (frame.type) {
    case 'hello':
      return greeted(current, now);
    case 'ack':
      return acknowledged(current, frame, now);
    case 'caughtUp':
      return caughtUp(current, frame, now);
    case 'message':
      return chain(applied(current, transcript.applyMessage(known, frame.message), now), (c) =>
        chain(arrived(c, frame.message), (d) => flush(d, now)),
      );
    case 'loading':
      return applied(current, transcript.applyLoading(known, frame.run, frame.at), now);
    case 'delta':
      return applied(current, transcript.applyDelta(known, frame.run, frame.off, frame.text, frame.at), now);
    case 'final':
      return ended(current, frame, now);
    case 'error':
      return failed(current, frame.error, now);
    case 'unknown':
      return frame.seq ? applied(current, transcript.applyNumber(known, frame.seq), now) : [current, []];
  }
}

function greeted(before: Conversation, now: number): Step {
  // The address of the socket asked for what is missing, which a chat that was never stored has no answer to.
  const asking = before.transcript.last > 0 ? request(before, now) : undefined;
  return flush({ ...before, open: true, asking }, now);
}

function acknowledged(before: Conversation, ack: Frame & { type: 'ack' }, now: number): Step {
  const entry = outbox.find(before.outbox, ack.clientId);
  if (!entry) return applied(before, transcript.noticeNumber(before.transcript, ack.seq), now);
  const message: Message = {
    id: ack.id,
    seq: ack.seq,
    clientId: ack.clientId,
    sender: 'user',
    text: entry.content,
    at: entry.at,
    status: 'complete',
  };
  return receive(before, { type: 'message', message }, now);
}

function caughtUp(before: Conversation, frame: Frame & { type: 'caughtUp' }, now: number): Step {
  const { asking, gap, transcript: known } = before;
  const next = { ...before, asking: undefined, gap: undefined };
  if (asking && frame.seq < asking.from.seq) {
    // The server has less than was shown, as after a lost volume. What it has holds; to go on from here would hide
    // everything that gets a number for the second time.
    return [{ ...next, transcript: transcript.EMPTY, notice: 'FORGOTTEN' }, [{ do: 'reload' }]];
  }
  if (!frame.recovered) return [next, [{ do: 'reload' }]];
  const complete = known.last >= frame.seq && (!gap || transcript.isClosed(known, gap));
  if (complete) return [next, []];
  if (asking?.reloaded) return [{ ...next, transcript: transcript.skipTo(known, frame.seq) }, []];
  const stuck = asking && same(asking.from, transcript.position(known));
  return stuck ? [next, [{ do: 'reload' }]] : ask({ ...next, gap }, now);
}

function ended(before: Conversation, frame: Frame & { type: 'final' }, now: number): Step {
  const step = applied(before, transcript.applyFinal(before.transcript, frame.run, frame.off, frame.message), now);
  const message = step[0].transcript.messages.find((known) => known.run === frame.run);
  const wasLive = before.transcript.live.some((live) => live.run === frame.run);
  return message && wasLive ? [step[0], [...step[1], { do: 'announce', message }]] : step;
}

function failed(before: Conversation, error: Failure, now: number): Step {
  if (error.clientId && outbox.find(before.outbox, error.clientId)) {
    return flush({ ...before, outbox: outbox.refused(before.outbox, error.clientId, error, now) }, now);
  }
  if (error.run) {
    return [{ ...before, transcript: transcript.withReason(before.transcript, error.run, error.code) }, []];
  }
  return [{ ...before, notice: error.code }, []];
}

function applied(before: Conversation, { transcript: known, gap }: transcript.Applied, now: number): Step {
  const next = { ...before, transcript: known };
  if (!gap) return [next, []];
  const wanted = { ...gap, seq: Math.max(gap.seq, before.gap?.seq ?? 0) };
  return before.asking ? [{ ...next, gap: wanted }, []] : ask({ ...next, gap: wanted }, now);
}

function ask(before: Conversation, now: number, reloaded = false): Step {
  const asking = { ...request(before, now), reloaded };
  const frame = resume(before.session, asking.from, new Date(now).toISOString());
  return [{ ...before, asking }, [{ do: 'transmit', frame }]];
}

function request(before: Conversation, now: number): Asking {
  return { deadline: now + ANSWER_WITHIN_MS, from: transcript.position(before.transcript) };
}

/** A stored message is one of ours: it arrived, acknowledged or not. */
function arrived(before: Conversation, { clientId }: Message): Step {
  return clientId && outbox.find(before.outbox, clientId) ? dropUnsent(before, clientId) : [before, []];
}

function dropUnsent(before: Conversation, clientId: string): Step {
  return [{ ...before, outbox: outbox.remove(before.outbox, clientId) }, [{ do: 'forget', clientId }]];
}

function flush(before: Conversation, now: number): Step {
  const entry = before.open ? outbox.due(before.outbox, now) : undefined;
  if (!entry) return [before, []];
  const frame = userMessage(entry.session, entry.clientId, entry.content, entry.at);
  return [{ ...before, outbox: outbox.sent(before.outbox, entry.clientId, now) }, [{ do: 'transmit', frame }]];
}

function chain([before, effects]: Step, next: (conversation: Conversation) => Step): Step {
  const [after, more] = next(before);
  return [after, [...effects, ...more]];
}

function same(a: Position, b: Position): boolean {
  return a.seq === b.seq && a.run === b.run && a.off === b.off;
}
