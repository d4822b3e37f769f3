import { describe, expect, test } from 'vitest';
import * as outbox from '../src/core/outbox';

const entry = (clientId: string): outbox.PendingMessage => ({
  clientId, session: 's', content: `message ${clientId}`, at: '2026-01-01T00:00:00Z', order: 1,
});
const two: outbox.Outbox = { entries: [entry('a'), entry('b')] };
const busy = { code: 'TOO_MANY_REQUESTS', recoverable: true, retryAfter: 3_000 };
const invalid = { code: 'INVALID_FORMAT', recoverable: false };
const foreign = { code: 'UNAUTHORIZED', recoverable: false };

describe('the next message to send', () => {
  test('is the oldest, and the second waits for its acknowledgement', () => {
    expect(outbox.nextToSend(two, 0)?.clientId).toBe('a');
    const inFlight = outbox.sent(two, 'a', 0);
    expect(outbox.nextToSend(inFlight, 1)).toBeUndefined();
    expect(outbox.nextToSend(outbox.remove(inFlight, 'a'), 1)?.clientId).toBe('b');
  });

  test('is the same one again when no acknowledgement came in time', () => {
    const inFlight = outbox.sent(two, 'a', 0);
    expect(outbox.nextDeadline(inFlight)).toBe(outbox.ACK_TIMEOUT_MS);
    expect(outbox.nextToSend(inFlight, outbox.ACK_TIMEOUT_MS)?.clientId).toBe('a');
    const again = outbox.sent(inFlight, 'a', outbox.ACK_TIMEOUT_MS);
    expect(outbox.hasTimedOut(inFlight, outbox.ACK_TIMEOUT_MS)).toBe(false);
    expect(outbox.hasTimedOut(again, 2 * outbox.ACK_TIMEOUT_MS)).toBe(true);
  });

  test('is the same one again after a reconnect', () => {
    expect(outbox.nextToSend(outbox.requeued(outbox.sent(two, 'a', 0)), 1)?.clientId).toBe('a');
  });

  test('waits as long as the server asked, and the order stays', () => {
    const waiting = outbox.rejected(outbox.sent(two, 'a', 0), 'a', busy, 1_000);
    expect(outbox.nextToSend(waiting, 3_999)).toBeUndefined();
    expect(outbox.nextDeadline(waiting)).toBe(4_000);
    expect(outbox.nextToSend(waiting, 4_000)?.clientId).toBe('a');
    expect(outbox.nextToSend(outbox.retry(waiting, 'a'), 1_001)?.clientId).toBe('a');
  });

  test.each([invalid, foreign])('is not one that was rejected for good (%j), until the user asks for it', (error) => {
    const rejected = outbox.rejected(outbox.sent(two, 'a', 0), 'a', error, 0);
    expect(outbox.nextToSend(rejected, 0)?.clientId).toBe('b');
    expect(outbox.nextToSend(outbox.retry(rejected, 'a'), 0)?.clientId).toBe('a');
  });

  test('is not one that was rejected five times', () => {
    let box = two;
    for (let now = 0; now < 5; now++) box = outbox.rejected(box, 'a', busy, now);
    expect(box.entries[0]?.rejection).toEqual({ code: 'TOO_MANY_REQUESTS', attempts: 5, recoverable: true });
  });
});

test('a message that must wait for an answer is not given up, and is sent when one has ended', () => {
  let box = two;
  for (let now = 0; now < 30_000; now += 1_000) {
    box = outbox.rejected(box, 'a', { code: 'SERVICE_ERROR', recoverable: true, retryAfter: 2_000 }, now);
  }
  expect(box.entries[0]?.rejection).toMatchObject({ attempts: 0, retryAt: 29_000 + 15_000 });
  expect(outbox.nextToSend(box, 30_000)).toBeUndefined();
  expect(outbox.nextToSend(outbox.answered(box, 30_000), 30_000)?.clientId).toBe('a');
});

test('a stored entry is restored unless it is malformed, whatever time it bears', () => {
  expect(outbox.restore({ ...entry('a'), rejection: {} })).toEqual(entry('a'));
  for (const at of ['1970-01-01T00:00:00Z', '9999-01-01T00:00:00Z', 'nonsense', 7]) {
    expect(outbox.restore({ ...entry('a'), at })).toMatchObject({ clientId: 'a' });
  }
  expect(outbox.restore({ ...entry('a'), replaces: 3 })).toEqual({ ...entry('a'), replaces: 3 });
  expect(outbox.restore({ ...entry('a'), replaces: '3' })?.replaces).toBeUndefined();
  expect(outbox.restore({ ...entry('a'), content: '' })).toBeUndefined();
  expect(outbox.restore('x')).toBeUndefined();
});

test('the order of messages does not come from a clock', () => {
  expect(outbox.nextOrder({ entries: [] })).toBe(1);
  expect(outbox.nextOrder({ entries: [{ ...entry('a'), order: 7, at: '9999' }, { ...entry('b'), order: 3 }] })).toBe(8);
});

test.each([
  ['half of a surrogate pair', 'a\ud83d b\udc4d', 'a\ufffd b\ufffd'],
  ['a whole pair', '👍', '👍'],
  ['NUL and outer white space', ' \0 a\0b \n', 'ab'],
])('a text with %s is sent as the server keeps it', (_, text, expected) => {
  expect(outbox.cleanText(text)).toBe(expected);
});

test('the number of pending messages is limited', () => {
  const entries = Array.from({ length: outbox.MAX_PENDING }, (_, index) => entry(`${index}`));
  expect(outbox.isFull({ entries })).toBe(true);
  expect(outbox.isFull({ entries: entries.slice(1) })).toBe(false);
});
