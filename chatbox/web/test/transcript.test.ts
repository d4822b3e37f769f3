import { describe, expect, test } from 'vitest';
import * as transcript from '../src/core/transcript';
import type { Message, Sender } from '../src/core/wire';

const message = (seq: number, sender: Sender = 'user', more: Partial<Message> = {}): Message => ({
  seq, sender, id: `m${seq}`, text: `text ${seq}`, at: '', status: 'complete', ...more,
});
const live = (text: string): transcript.Transcript => ({ ...transcript.EMPTY, last: 4, live: [{ run: 'r', text, at: '' }] });
const seqs = (state: transcript.Transcript) => state.messages.map(({ seq }) => seq);

describe('a delta', () => {
  test.each([
    ['at the end is appended', 'abc', 3, 'de', 'abcde', undefined],
    ['that overlaps adds what is new', 'abc', 1, 'bcde', 'abcde', undefined],
    ['that was seen adds nothing', 'abc', 0, 'abc', 'abc', undefined],
    ['beyond the end is a gap', 'abc', 5, 'fg', 'abc', { seq: 4, run: 'r', off: 7 }],
    ['is counted in UTF-16 units', '👍', 2, '!', '👍!', undefined],
  ])('%s', (_, have, off, text, want, gap) => {
    const next = transcript.applyDelta(live(have), 'r', off, text, '');
    expect(next.transcript.live[0]?.text).toBe(want);
    expect(next.gap).toEqual(gap);
  });

  test('of a run that ended is dropped', () => {
    const ended = { ...transcript.EMPTY, last: 1, messages: [message(1, 'ai', { run: 'r' })] };
    expect(transcript.applyDelta(ended, 'r', 0, 'late', '').transcript).toBe(ended);
  });

  test('whose announcement was lost opens the run', () => {
    expect(transcript.applyDelta(transcript.EMPTY, 'r', 0, 'hi', '').transcript.live).toEqual([{ run: 'r', text: 'hi', at: '' }]);
  });
});

describe('an end', () => {
  test.each([
    ['without text closes what was streamed', 'abc', 3, '', 'abc'],
    ['with all of the text replaces it', 'abX', 0, 'abcd', 'abcd'],
    ['of an interrupted answer shortens it to what was kept', 'abcdef', 2, '', 'ab'],
  ])('%s', (_, have, off, text, want) => {
    const next = transcript.applyFinal(live(have), 'r', off, message(5, 'ai', { text }));
    expect(next.transcript).toMatchObject({ last: 5, live: [], messages: [{ run: 'r', text: want }] });
    expect(next.gap).toBeUndefined();
  });

  test('beyond what was streamed is a gap, and does not count as seen', () => {
    const next = transcript.applyFinal(live('abc'), 'r', 9, message(5, 'ai', { text: '' }));
    expect(next).toMatchObject({ gap: { seq: 5 }, transcript: { last: 4, live: [{ text: 'abc' }] } });
  });
});

describe('a numbered message', () => {
  const start = { ...transcript.EMPTY, last: 2, messages: [message(1), message(2)] };

  test('that is the next one moves on', () => {
    expect(transcript.applyMessage(start, message(3))).toMatchObject({ transcript: { last: 3 } });
  });

  test('that was seen is dropped', () => {
    expect(transcript.applyMessage(start, message(2)).transcript).toBe(start);
  });

  test('that is ahead shows, asks, and is caught up with', () => {
    const ahead = transcript.applyMessage(start, message(5));
    expect(ahead.gap).toEqual({ seq: 5 });
    expect(ahead.transcript.last).toBe(2);
    const three = transcript.applyMessage(ahead.transcript, message(3)).transcript;
    const four = transcript.applyMessage(three, message(4)).transcript;
    expect(four.last).toBe(5);
    expect(seqs(four)).toEqual([1, 2, 3, 4, 5]);
    expect(transcript.isClosed(three, { seq: 5 })).toBe(false);
    expect(transcript.isClosed(four, { seq: 5 })).toBe(true);
  });

  test('of a type without use moves on too', () => {
    expect(transcript.applyNumber(start, 3).transcript.last).toBe(3);
    expect(transcript.applyNumber(start, 4)).toMatchObject({ transcript: { last: 2 }, gap: { seq: 4 } });
  });
});

test('an answer that begins while another is open shows that an end was missed', () => {
  expect(transcript.applyLoading(live('abc'), 'r2', '').gap).toEqual({ seq: 5 });
  expect(transcript.applyLoading(live('abc'), 'r', '').gap).toBeUndefined();
});

test('the history keeps what is newer than it', () => {
  const before = { ...live('abc'), messages: [message(4), message(7)] };
  const next = transcript.withHistory(before, [message(6), message(5, 'ai', { run: 'old' })], 6);
  expect(seqs(next)).toEqual([5, 6, 7]);
  expect(next.last).toBe(7);
  expect(next.live).toHaveLength(1);
  expect(transcript.withHistory(before, [message(5, 'ai', { run: 'r' })], 5).live).toEqual([]);
});

test.each([
  ['the one before it', 'ua', 1, 1],
  ['the first of two asked in one go', 'uuaa', 2, 1],
  ['the second of two asked in one go', 'uuaa', 3, 2],
  ['the newest when there are more answers than questions', 'uaa', 2, 1],
  ['none when the chat begins with an answer', 'a', 0, undefined],
  ['only those asked since the last answer', 'uauua', 4, 3],
])('an answer belongs to %s', (_, senders, at, want) => {
  const messages = [...senders].map((sender, index) => message(index + 1, sender === 'u' ? 'user' : 'ai'));
  expect(transcript.questionOf(messages, messages[at]!)?.seq).toBe(want);
});
