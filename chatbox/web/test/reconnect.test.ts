import { describe, expect, test } from 'vitest';
import { afterDisconnect, afterFailedRequest, INITIAL, retryAfterMs, type RetryState } from '../src/core/reconnect';

const LONG = 60_000;

test.each([
  ['the server goes away', 1001, 250, false],
  ['the token expired', 4014, 250, true],
  ['the connection was lost', 1006, 1_000, false],
  ['the reader was too slow', 4008, 1_000, false],
  ['of a code below 4500', 4499, 1_000, false],
])('the page reconnects when %s (%d)', (_, code, maxMs, renewToken) => {
  const earliest = afterDisconnect(INITIAL, { code, connectedMs: LONG }, 0);
  const latest = afterDisconnect(INITIAL, { code, connectedMs: LONG }, 1);
  expect(latest).toMatchObject({ action: 'connect', afterMs: maxMs, renewToken });
  expect(earliest).toMatchObject({ afterMs: maxMs === 250 ? 0 : maxMs / 2 });
});

test.each([4500, 4501, 4999])('the page stops after code %d', (code) => {
  expect(afterDisconnect(INITIAL, { code, connectedMs: LONG }, 0)).toEqual({ action: 'stop' });
});

test('the backoff grows to 30 seconds and is reset by a stable connection', () => {
  let state: RetryState = INITIAL;
  const delays: number[] = [];
  const renewals: boolean[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    const next = afterDisconnect(state, { code: 1006 }, 1);
    if (next.action === 'stop') throw new Error('stopped');
    delays.push(next.afterMs / 1000);
    renewals.push(next.renewToken);
    state = next.state;
  }
  expect(delays).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  expect(renewals).toEqual([false, true, false, false, false, false, false, false]);
  expect(afterDisconnect(state, { code: 1006, connectedMs: LONG }, 1)).toMatchObject({ afterMs: 1_000 });
  expect(afterDisconnect(state, { code: 1006, connectedMs: 10 }, 1)).toMatchObject({ afterMs: 30_000 });
});

test('the server may ask for more time before it closes', () => {
  expect(afterDisconnect(INITIAL, { code: 1013, retryAfterMs: 7_000 }, 1)).toMatchObject({ action: 'connect', afterMs: 7_000 });
  expect(afterDisconnect(INITIAL, { code: 1013, retryAfterMs: 10 }, 1)).toMatchObject({ afterMs: 1_000 });
  expect(afterDisconnect(INITIAL, { code: 1013, retryAfterMs: 1e12 }, 1)).toMatchObject({ afterMs: 900_000 });
});

test('the fast reconnect is not repeated', () => {
  const first = afterDisconnect(INITIAL, { code: 1001, connectedMs: 10 }, 1);
  expect(first).toMatchObject({ afterMs: 250, state: { attempts: 1 } });
  const second = afterDisconnect({ attempts: 1, withoutHello: 0 }, { code: 1001, connectedMs: 10 }, 1);
  expect(second).toMatchObject({ afterMs: 2_000 });
});

test.each([
  [null, 0],
  ['0', 0],
  ['7', 7_000],
  ['4.5', 4_500],
  ['-3', 0],
  ['soon', 0],
  ['Mon, 01 Jun 2026 12:00:30 GMT', 30_000],
  ['Mon, 01 Jun 2026 11:00:00 GMT', 0],
  ['99999999', 900_000],
])('Retry-After: %s means to wait %d ms', (header, expected) => {
  expect(retryAfterMs(header, Date.parse('2026-06-01T12:00:00Z'))).toBe(expected);
});

describe('after a failed request', () => {
  test('the backoff applies', () => {
    expect(afterFailedRequest(INITIAL, 1)).toMatchObject({ afterMs: 1_000, renewToken: false, state: { attempts: 1 } });
  });

  test('the server may ask for more time', () => {
    expect(afterFailedRequest(INITIAL, 1, 7_000)).toMatchObject({ afterMs: 7_000 });
  });
});
