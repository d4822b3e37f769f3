/**
 * The messages of a session as far as this page has received them. Frames may be repeated, overlap or be missing.
 * Every frame carries its position, so applying them ends in the same transcript wherever the connection was cut.
 */

import type { Message, Position, Run } from './wire';

/** An answer that is being written. Empty until its first text arrives. */
export interface LiveAnswer {
  run: string;
  text: string;
  at: string;
  /** `seq` of the question, and id of the model, as far as the server has said them. */
  question?: number | undefined;
  model?: string | undefined;
}

export interface Transcript {
  /** Every message up to this number has been received. */
  lastSeq: number;
  /** Stored messages by `seq`. One may be ahead of `lastSeq`: an acknowledgement can overtake earlier messages. */
  messages: Message[];
  live: LiveAnswer[];
  /** The newest fence that was seen. What comes under an older one comes from a run that was given up. */
  fence: number;
  /** Error codes of failed answers, by run. */
  failureCodes: ReadonlyMap<string, string>;
}

/** Something is missing. The gap is closed once the transcript reaches this position. */
export interface Gap {
  seq: number;
  run?: string;
  off?: number;
}

export interface Applied {
  transcript: Transcript;
  gap?: Gap | undefined;
}

export const EMPTY: Transcript = { lastSeq: 0, messages: [], live: [], fence: 0, failureCodes: new Map() };

/** Replaces the messages by the stored history. Messages that are newer than it are kept. */
export function withHistory(before: Transcript, history: Message[], seq: number): Transcript {
  const sorted = [...history].sort((a, b) => a.seq - b.seq);
  const lastSeq = Math.max(seq, sorted.at(-1)?.seq ?? 0);
  const ended = new Set(sorted.map((message) => message.run));
  return advance({
    lastSeq,
    messages: [...sorted, ...before.messages.filter((message) => message.seq > lastSeq)],
    live: before.live.filter((live) => !ended.has(live.run)),
    fence: before.fence,
    failureCodes: before.failureCodes,
  });
}

/** A message with its whole text. */
export function applyMessage(transcript: Transcript, message: Message): Applied {
  const { lastSeq, messages } = transcript;
  if (message.seq <= lastSeq || messages.some((known) => known.seq === message.seq)) return { transcript };
  const at = messages.findLastIndex((known) => known.seq < message.seq) + 1;
  const next = advance({ ...superseded(transcript, message), messages: messages.toSpliced(at, 0, message) });
  return message.seq > next.lastSeq ? { transcript: next, gap: { seq: message.seq } } : { transcript: next };
}

/** A member of staff came or went: what is shown of an answer under an older fence was given up, or its end is missing here. */
function superseded(transcript: Transcript, { fence = 0 }: Message): Transcript {
  return fence > transcript.fence ? { ...transcript, fence, live: [] } : transcript;
}

/** A stored message of a type that this page does not show: only its number counts. */
export function applySeq(transcript: Transcript, seq: number): Applied {
  if (seq <= transcript.lastSeq) return { transcript };
  if (seq > transcript.lastSeq + 1) return { transcript, gap: { seq } };
  return { transcript: advance({ ...transcript, lastSeq: seq }) };
}

/** The server named a number. Its message may be missing here. */
export function gapBefore(transcript: Transcript, seq: number): Applied {
  const isKnown = seq <= transcript.lastSeq || transcript.messages.some((message) => message.seq === seq);
  return isKnown ? { transcript } : { transcript, gap: { seq } };
}

/** Continues without messages that the store does not have either. */
export function skipTo(transcript: Transcript, seq: number): Transcript {
  return advance({ ...transcript, lastSeq: Math.max(transcript.lastSeq, seq) });
}

export function applyLoading(transcript: Transcript, run: Run, at: string): Applied {
  if (isOver(transcript, run)) return { transcript };
  const live = transcript.live.find((answer) => answer.run === run.id);
  if (live) return { transcript: withLive(transcript, told(live, run)) };
  return begun(transcript, run, told({ run: run.id, text: '', at }, run));
}

export function applyDelta(transcript: Transcript, run: Run, off: number, text: string, at: string): Applied {
  if (isOver(transcript, run)) return { transcript };
  const live = transcript.live.find((answer) => answer.run === run.id);
  if (!live) {
    const started = begun(transcript, run, told({ run: run.id, text: '', at }, run));
    const { transcript: next, gap } = applyDelta(started.transcript, run, off, text, at);
    return { transcript: next, gap: gap ?? started.gap };
  }
  const { length } = live.text;
  if (off > length) return { transcript, gap: { seq: transcript.lastSeq, run: run.id, off: off + text.length } };
  const added = text.slice(length - off);
  return { transcript: added ? withLive(transcript, { ...told(live, run), text: live.text + added }) : transcript };
}

/** The end of an answer, as it was stored. An interrupted answer may be stored with less text than was streamed. */
export function applyFinal(transcript: Transcript, { id, fence }: Run, off: number, final: Message): Applied {
  if (final.seq <= transcript.lastSeq) return { transcript };
  const streamed = transcript.live.find((answer) => answer.run === id)?.text ?? '';
  if (off > streamed.length) return { transcript, gap: { seq: final.seq } };
  // An answer under this fence or a newer one is the end of all that are being written under older ones.
  const isNewest = fence >= transcript.fence;
  const live = transcript.live.filter((answer) => answer.run !== id && !isNewest);
  const next = { ...transcript, live, fence: Math.max(fence, transcript.fence) };
  return applyMessage(next, { ...final, run: id, text: streamed.slice(0, off) + final.text });
}

/** The server has named the run at work, if there is one: others that seem to be were given up. */
export function withOnlyLive(transcript: Transcript, run: string | undefined): Transcript {
  return { ...transcript, live: transcript.live.filter((answer) => answer.run === run) };
}

export function withFailureCode(transcript: Transcript, run: string, code: string): Transcript {
  return { ...transcript, failureCodes: new Map(transcript.failureCodes).set(run, code) };
}

/** Where to resume. */
export function position({ lastSeq, live }: Transcript): Position {
  const answer = live.at(-1);
  return answer ? { seq: lastSeq, run: answer.run, off: answer.text.length } : { seq: lastSeq };
}

export function isClosed(transcript: Transcript, gap: Gap): boolean {
  if (transcript.lastSeq < gap.seq) return false;
  const answer = transcript.live.find((live) => live.run === gap.run);
  return !answer || answer.text.length >= (gap.off ?? 0);
}

/** Raises `lastSeq` over messages that follow it without a gap. */
function advance(transcript: Transcript): Transcript {
  let { lastSeq } = transcript;
  for (const { seq } of transcript.messages) if (seq === lastSeq + 1) lastSeq = seq;
  return { ...transcript, lastSeq };
}

function withLive(transcript: Transcript, live: LiveAnswer): Transcript {
  const at = transcript.live.findIndex((answer) => answer.run === live.run);
  return { ...transcript, live: at < 0 ? [...transcript.live, live] : transcript.live.with(at, live) };
}

/** An answer with what a frame says of its run. */
function told(live: LiveAnswer, { question, model }: Run): LiveAnswer {
  return { ...live, question: question ?? live.question, model: model ?? live.model };
}

/**
 * A run has begun. Answers are written one after the other: another one that is still live here was given up, and what it
 * had written is not part of the answer, or its end was missed, and is asked for.
 */
function begun(transcript: Transcript, { fence }: Run, live: LiveAnswer): Applied {
  const next = { ...transcript, live: [live], fence: Math.max(fence, transcript.fence) };
  return transcript.live.length > 0 ? { transcript: next, gap: { seq: transcript.lastSeq } } : { transcript: next };
}

/** The run has ended, or a newer one has taken its place. */
function isOver(transcript: Transcript, { id, fence }: Run): boolean {
  return hasEnded(transcript, id) || (fence > 0 && fence < transcript.fence);
}

function hasEnded(transcript: Transcript, run: string): boolean {
  return transcript.messages.some((message) => message.run === run);
}
