import { describe, expect, test } from 'vitest';
import * as outbox from '../src/core/outbox';

const entry = (clientId: string): outbox.Unsent => ({ clientId, session: 's', content: `say ${clientId}`, at: '2026-01-01T00:00:00Z' });
const two: outbox.Outbox = { entries: [entry('a'), entry('b')] };
const busy = { code: 'TOO_MANY_REQUESTS', recoverable: true, retryAfter: 3_000 };
const never = { code: 'INVALID_FORMAT', recoverable: false };

describe('the next message to send', () => {
  test('is the oldest, and the second waits for the first', () => {
    expect(outbox.due(two, 0)?.clientId).toBe('a');
    const flying = outbox.sent(two, 'a', 0);
    expect(outbox.due(flying, 1)).toBeUndefined();
    expect(outbox.due(outbox.remove(flying, 'a'), 1)?.clientId).toBe('b');
  });

  test('is the same one again when no acknowledgement came in time', () => {
    const flying = outbox.sent(two, 'a', 0);
    expect(outbox.wakeAt(flying)).toBe(outbox.ACK_WITHIN_MS);
    expect(outbox.due(flying, outbox.ACK_WITHIN_MS)?.clientId).toBe('a');
    const again = outbox.sent(flying, 'a', outbox.ACK_WITHIN_MS);
    expect(outbox.isStuck(flying, outbox.ACK_WITHIN_MS)).toBe(false);
    expect(outbox.isStuck(again, 2 * outbox.ACK_WITHIN_MS)).toBe(true);
  });

  test('is the same one again after the connection was lost', () => {
    expect(outbox.due(outbox.grounded(outbox.sent(two, 'a', 0)), 1)?.clientId).toBe('a');
  });

  test('waits as long as the server asked, and keeps the order', () => {
    const waiting = outbox.refused(outbox.sent(two, 'a', 0), 'a', busy, 1_000);
    expect(outbox.due(waiting, 3_999)).toBeUndefined();
    expect(outbox.wakeAt(waiting)).toBe(4_000);
    expect(outbox.due(waiting, 4_000)?.clientId).toBe('a');
    expect(outbox.due(outbox.retry(waiting, 'a'), 1_001)?.clientId).toBe('a');
  });

  test('passes over one that was refused for good, until the reader asks again', () => {
    const refused = outbox.refused(outbox.sent(two, 'a', 0), 'a', never, 0);
    expect(outbox.due(refused, 0)?.clientId).toBe('b');
    expect(outbox.due(outbox.retry(refused, 'a'), 0)?.clientId).toBe('a');
  });

  test('is not repeated by itself for ever', () => {
    let box = two;
    for (let now = 0; now < 5; now++) box = outbox.refused(box, 'a', busy, now);
    expect(box.entries[0]?.refusal).toEqual({ code: 'TOO_MANY_REQUESTS', tries: 5 });
  });
});

test('what was kept is read back, unless it is broken or old', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  expect(outbox.restore({ ...entry('a'), refusal: {} }, now)).toEqual(entry('a'));
  expect(outbox.restore({ ...entry('a'), content: '' }, now)).toBeUndefined();
  expect(outbox.restore('x', now)).toBeUndefined();
  expect(outbox.restore(entry('a'), now + 7 * 24 * 3_600_000)).toBeUndefined();
});

test('there is an end to how much may wait', () => {
  const entries = Array.from({ length: outbox.MAX_UNSENT }, (_, index) => entry(`${index}`));
  expect(outbox.isFull({ entries })).toBe(true);
  expect(outbox.isFull({ entries: entries.slice(1) })).toBe(false);
});
