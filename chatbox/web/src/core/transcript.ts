/**
 * What was said, as far as this page knows. Frames may come twice, overlap, or be missing; whatever the
 * cut, applying them ends in the same transcript, because every frame says where it belongs.
 */

import type { Message, Position } from './wire';

/** An answer that is being written. Empty until its first words arrive. */
export interface Live {
  run: string;
  text: string;
  at: string;
}

export interface Transcript {
  /** Everything up to this number is here. */
  last: number;
  /** Stored messages by `seq`. One may be ahead of `last`: an acknowledgement can overtake what came before it. */
  messages: Message[];
  live: Live[];
  /** Why an answer failed, by run. */
  reasons: ReadonlyMap<string, string>;
}

/** What was found missing; closed once the transcript reaches it. */
export interface Gap {
  seq: number;
  run?: string;
  off?: number;
}

export interface Applied {
  transcript: Transcript;
  gap?: Gap | undefined;
}

export const EMPTY: Transcript = { last: 0, messages: [], live: [], reasons: new Map() };

/** The stored history, with what is newer than it kept. */
export function withHistory(before: Transcript, history: Message[], seq: number): Transcript {
  const sorted = [...history].sort((a, b) => a.seq - b.seq);
  const last = Math.max(seq, sorted.at(-1)?.seq ?? 0);
  const ended = new Set(sorted.map((message) => message.run));
  return settle({
    last,
    messages: [...sorted, ...before.messages.filter((message) => message.seq > last)],
    live: before.live.filter((live) => !ended.has(live.run)),
    reasons: before.reasons,
  });
}

/** A message that carries all of its text. */
export function applyMessage(transcript: Transcript, message: Message): Applied {
  const { last, messages } = transcript;
  if (message.seq <= last || messages.some((known) => known.seq === message.seq)) return { transcript };
  const at = messages.findLastIndex((known) => known.seq < message.seq) + 1;
  const next = settle({ ...transcript, messages: messages.toSpliced(at, 0, message) });
  return message.seq > next.last ? { transcript: next, gap: { seq: message.seq } } : { transcript: next };
}

/** A durable frame this page has no use for still takes its number. */
export function applyNumber(transcript: Transcript, seq: number): Applied {
  if (seq <= transcript.last) return { transcript };
  if (seq > transcript.last + 1) return { transcript, gap: { seq } };
  return { transcript: settle({ ...transcript, last: seq }) };
}

/** A number whose message is not here yet. */
export function noticeNumber(transcript: Transcript, seq: number): Applied {
  const known = seq <= transcript.last || transcript.messages.some((message) => message.seq === seq);
  return known ? { transcript } : { transcript, gap: { seq } };
}

/** Goes on without what even the store does not have. */
export function skipTo(transcript: Transcript, seq: number): Transcript {
  return settle({ ...transcript, last: Math.max(transcript.last, seq) });
}

export function applyLoading(transcript: Transcript, run: string, at: string): Applied {
  if (isKnown(transcript, run)) return { transcript };
  const next = { ...transcript, live: [...transcript.live, { run, text: '', at }] };
  // Answers are written one after the other: if another one is still open here, its end was missed.
  return transcript.live.length > 0 ? { transcript: next, gap: { seq: transcript.last + 1 } } : { transcript: next };
}

export function applyDelta(transcript: Transcript, run: string, off: number, text: string, at: string): Applied {
  if (hasEnded(transcript, run)) return { transcript };
  const live = transcript.live.find((open) => open.run === run) ?? { run, text: '', at };
  const have = live.text.length;
  const gap = off > have ? { seq: transcript.last, run, off: off + text.length } : undefined;
  const added = off > have ? '' : text.slice(have - off);
  if (!added && isKnown(transcript, run)) return { transcript, gap };
  return { transcript: withLive(transcript, { ...live, text: live.text + added }), gap };
}

/**
 * The end of an answer. It is the store's word, so it also shortens: an answer that was interrupted may
 * have been seen further than it was kept.
 */
export function applyFinal(transcript: Transcript, run: string, off: number, end: Message): Applied {
  if (end.seq <= transcript.last) return { transcript };
  const shown = transcript.live.find((open) => open.run === run)?.text ?? '';
  if (off > shown.length) return { transcript, gap: { seq: end.seq } };
  const live = transcript.live.filter((open) => open.run !== run);
  return applyMessage({ ...transcript, live }, { ...end, run, text: shown.slice(0, off) + end.text });
}

export function withReason(transcript: Transcript, run: string, code: string): Transcript {
  return { ...transcript, reasons: new Map(transcript.reasons).set(run, code) };
}

/** From where to ask for more. */
export function position({ last, live }: Transcript): Position {
  const open = live.at(-1);
  return open ? { seq: last, run: open.run, off: open.text.length } : { seq: last };
}

export function isClosed(transcript: Transcript, gap: Gap): boolean {
  if (transcript.last < gap.seq) return false;
  const open = transcript.live.find((live) => live.run === gap.run);
  return !open || open.text.length >= (gap.off ?? 0);
}

/** The question an answer belongs to. Questions asked in one go are answered one after the other. */
export function questionOf(messages: readonly Message[], answer: Message): Message | undefined {
  const at = messages.indexOf(answer);
  const asked = messages.findLastIndex((message, index) => index < at && message.sender === 'user');
  if (asked < 0) return undefined;
  const first = messages.findLastIndex((message, index) => index < asked && message.sender !== 'user') + 1;
  const earlier = messages.slice(asked + 1, at).filter((message) => message.sender === 'ai').length;
  return messages[Math.min(first + earlier, asked)];
}

function settle(transcript: Transcript): Transcript {
  let last = transcript.last;
  for (const { seq } of transcript.messages) if (seq === last + 1) last = seq;
  return { ...transcript, last };
}

function withLive(transcript: Transcript, live: Live): Transcript {
  const at = transcript.live.findIndex((open) => open.run === live.run);
  return { ...transcript, live: at < 0 ? [...transcript.live, live] : transcript.live.with(at, live) };
}

function hasEnded(transcript: Transcript, run: string): boolean {
  return transcript.messages.some((message) => message.run === run);
}

function isKnown(transcript: Transcript, run: string): boolean {
  return hasEnded(transcript, run) || transcript.live.some((open) => open.run === run);
}
