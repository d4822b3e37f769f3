import { describe, expect, test } from 'vitest';
import * as transcript from '../src/core/transcript';
import type { Message, Sender } from '../src/core/wire';

const message = (seq: number, sender: Sender = 'user', more: Partial<Message> = {}): Message => ({
  seq, sender, id: `m${seq}`, text: `text ${seq}`, at: '', status: 'complete', ...more,
});
const withLive = (text: string): transcript.Transcript => ({ ...transcript.EMPTY, lastSeq: 4, live: [{ run: 'r', text, at: '' }] });
const run = (id: string, fence = 1) => ({ id, fence });
const seqs = (state: transcript.Transcript) => state.messages.map(({ seq }) => seq);

describe('a delta', () => {
  test.each([
    ['at the end is appended', 'abc', 3, 'de', 'abcde', undefined],
    ['that overlaps adds only the new part', 'abc', 1, 'bcde', 'abcde', undefined],
    ['that is repeated adds nothing', 'abc', 0, 'abc', 'abc', undefined],
    ['beyond the end is a gap', 'abc', 5, 'fg', 'abc', { seq: 4, run: 'r', off: 7 }],
    ['is counted in UTF-16 units', '👍', 2, '!', '👍!', undefined],
  ])('%s', (_, before, off, text, expected, gap) => {
    const next = transcript.applyDelta(withLive(before), run('r'), off, text, '');
    expect(next.transcript.live[0]?.text).toBe(expected);
    expect(next.gap).toEqual(gap);
  });

  test('and a loading frame say which question is answered by which model, in any order', () => {
    const loading = { ...run('r'), question: 4 };
    const delta = { ...run('r'), model: 'good' };
    const first = transcript.applyDelta(transcript.applyLoading(transcript.EMPTY, loading, '').transcript, delta, 0, 'hi', '');
    const last = transcript.applyLoading(transcript.applyDelta(transcript.EMPTY, delta, 0, 'hi', '').transcript, loading, '');
    for (const { transcript: next } of [first, last]) {
      expect(next.live).toEqual([{ run: 'r', text: 'hi', at: '', question: 4, model: 'good' }]);
    }
  });

  test('of a run that has ended is dropped', () => {
    const ended = { ...transcript.EMPTY, lastSeq: 1, messages: [message(1, 'ai', { run: 'r' })] };
    expect(transcript.applyDelta(ended, run('r'), 0, 'late', '').transcript).toBe(ended);
  });

  test('without a loading frame before it starts the run', () => {
    expect(transcript.applyDelta(transcript.EMPTY, run('r'), 0, 'hi', '').transcript.live).toEqual([{ run: 'r', text: 'hi', at: '' }]);
  });
});

describe('a final frame', () => {
  test.each([
    ['without text keeps what was streamed', 'abc', 3, '', 'abc'],
    ['with the whole text replaces it', 'abX', 0, 'abcd', 'abcd'],
    ['of an interrupted answer shortens it to what was stored', 'abcdef', 2, '', 'ab'],
  ])('%s', (_, before, off, text, expected) => {
    const next = transcript.applyFinal(withLive(before), run('r'), off, message(5, 'ai', { text }));
    expect(next.transcript).toMatchObject({ lastSeq: 5, live: [], messages: [{ run: 'r', text: expected }] });
    expect(next.gap).toBeUndefined();
  });

  test('beyond what was streamed is a gap, and its number is not counted as received', () => {
    const next = transcript.applyFinal(withLive('abc'), run('r'), 9, message(5, 'ai', { text: '' }));
    expect(next).toMatchObject({ gap: { seq: 5 }, transcript: { lastSeq: 4, live: [{ text: 'abc' }] } });
  });
});

describe('a numbered message', () => {
  const start = { ...transcript.EMPTY, lastSeq: 2, messages: [message(1), message(2)] };

  test('that is the next one raises the last number', () => {
    expect(transcript.applyMessage(start, message(3))).toMatchObject({ transcript: { lastSeq: 3 } });
  });

  test('that is repeated is dropped', () => {
    expect(transcript.applyMessage(start, message(2)).transcript).toBe(start);
  });

  test('that is ahead is shown, is a gap, and counts once the gap is closed', () => {
    const ahead = transcript.applyMessage(start, message(5));
    expect(ahead.gap).toEqual({ seq: 5 });
    expect(ahead.transcript.lastSeq).toBe(2);
    const three = transcript.applyMessage(ahead.transcript, message(3)).transcript;
    const four = transcript.applyMessage(three, message(4)).transcript;
    expect(four.lastSeq).toBe(5);
    expect(seqs(four)).toEqual([1, 2, 3, 4, 5]);
    expect(transcript.isClosed(three, { seq: 5 })).toBe(false);
    expect(transcript.isClosed(four, { seq: 5 })).toBe(true);
  });

  test('of staff who came leaves nothing of an answer under an older fence, whenever it comes', () => {
    const before = { ...withLive('abc'), fence: 2 };
    const join = (fence: number) => transcript.applyMessage(before, message(5, 'admin', { kind: 'admin_join', fence })).transcript;
    expect(join(3)).toMatchObject({ live: [], fence: 3, lastSeq: 5 });
    expect(transcript.applyDelta(join(3), run('r', 2), 3, 'late', '').transcript).toEqual(join(3));
    expect(join(1)).toMatchObject({ live: [{ run: 'r' }], fence: 2, lastSeq: 5 });
  });

  test('of an unknown type raises the last number too', () => {
    expect(transcript.applySeq(start, 3).transcript.lastSeq).toBe(3);
    expect(transcript.applySeq(start, 4)).toMatchObject({ transcript: { lastSeq: 2 }, gap: { seq: 4 } });
  });
});

describe('an answer that starts while another one is live', () => {
  const before = { ...withLive('abc'), fence: 3 };

  test('takes its place, and the end that may have been missed is asked for', () => {
    for (const next of [
      transcript.applyLoading(before, run('r2', 4), ''),
      transcript.applyDelta(before, run('r2', 4), 0, '', ''),
    ]) {
      expect(next.gap).toEqual({ seq: 4 });
      expect(next.transcript).toMatchObject({ live: [{ run: 'r2', text: '' }], fence: 4 });
    }
    expect(transcript.applyLoading(before, run('r', 3), '').gap).toBeUndefined();
  });

  test('or that ends, leaves nothing of an older one', () => {
    const ended = transcript.applyFinal(before, run('r2', 4), 0, message(5, 'ai')).transcript;
    expect(ended).toMatchObject({ live: [], fence: 4, messages: [{ run: 'r2' }] });
    expect(transcript.applyDelta(ended, run('r', 3), 3, 'late', '').transcript).toBe(ended);
  });

  test('stays when the end of an older one is delivered late', () => {
    const next = transcript.applyFinal(before, run('r0', 2), 0, message(5, 'ai')).transcript;
    expect(next).toMatchObject({ live: [{ run: 'r' }], fence: 3 });
  });

  test('is not touched by what comes late under an older fence', () => {
    const { transcript: after } = transcript.applyLoading(before, run('r2', 4), '');
    expect(transcript.applyDelta(after, run('r', 3), 3, 'late', '').transcript).toBe(after);
    expect(transcript.applyDelta(after, run('r', 3), 9, 'late', '').gap).toBeUndefined();
    expect(transcript.applyLoading(after, run('r0', 2), '').transcript).toBe(after);
  });
});

test('the history replaces messages up to its number, and newer ones are kept', () => {
  const before = { ...withLive('abc'), messages: [message(4), message(7)] };
  const next = transcript.withHistory(before, [message(6), message(5, 'ai', { run: 'old' })], 6);
  expect(seqs(next)).toEqual([5, 6, 7]);
  expect(next.lastSeq).toBe(7);
  expect(next.live).toHaveLength(1);
  expect(transcript.withHistory(before, [message(5, 'ai', { run: 'r' })], 5).live).toEqual([]);
});
