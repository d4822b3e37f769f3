import { describe, expect, test } from 'vitest';
import { readAddress, showAddress, socketAddress } from '../src/core/address';
import { keepable, needsRenewal, parseGuest, renewIn } from '../src/core/guest';
import { decide, FRESH, postpone, type Policy } from '../src/core/reconnect';

describe('after a connection ended', () => {
  const LONG = 60_000;

  test.each([
    ['the server went away', 1001, LONG, 250, false],
    ['the token expired', 4014, LONG, 250, true],
    ['the line broke', 1006, LONG, 1_000, false],
    ['the reader was too slow', 4008, LONG, 1_000, false],
    ['the server asks to come again', 4499, LONG, 1_000, false],
  ])('because %s (%d) the page connects again', (_, code, held, latest, renew) => {
    const soonest = decide(FRESH, { code, held }, 0);
    const last = decide(FRESH, { code, held }, 1);
    expect(last).toMatchObject({ then: 'connect', afterMs: latest, renew });
    expect(soonest).toMatchObject({ afterMs: latest === 250 ? 0 : latest / 2 });
  });

  test.each([4500, 4501, 4999])('with %d it stops', (code) => {
    expect(decide(FRESH, { code, held: LONG }, 0)).toEqual({ then: 'stop' });
  });

  test('the pauses grow to half a minute and start anew after a connection that held', () => {
    let policy: Policy = FRESH;
    const pauses: number[] = [];
    const renewals: boolean[] = [];
    for (let round = 0; round < 8; round++) {
      const next = decide(policy, { code: 1006 }, 1);
      if (next.then === 'stop') throw new Error('stopped');
      pauses.push(next.afterMs / 1000);
      renewals.push(next.renew);
      policy = next.policy;
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
    expect(renewals).toEqual([false, true, false, false, false, false, false, false]);
    expect(decide(policy, { code: 1006, held: LONG }, 1)).toMatchObject({ afterMs: 1_000 });
    expect(decide(policy, { code: 1006, held: 10 }, 1)).toMatchObject({ afterMs: 30_000 });
  });

  test('a server that leaves again and again is not hurried', () => {
    const first = decide(FRESH, { code: 1001, held: 10 }, 1);
    expect(first).toMatchObject({ afterMs: 250, policy: { attempt: 1 } });
    expect(decide({ attempt: 1, unanswered: 0 }, { code: 1001, held: 10 }, 1)).toMatchObject({ afterMs: 2_000 });
  });

  test('a request that failed is repeated no sooner than the server asked', () => {
    expect(postpone(FRESH, 1)).toMatchObject({ afterMs: 1_000, renew: false, policy: { attempt: 1 } });
    expect(postpone(FRESH, 1, 7_000)).toMatchObject({ afterMs: 7_000 });
  });
});

describe('a guest', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const json = { token: 'a.b.c', user_id: 'guest-1', expires_at: '2026-01-01T01:00:00.000Z' };

  test('is kept in the words it came in', () => {
    const guest = parseGuest(json);
    expect(guest).toEqual({ token: 'a.b.c', userId: 'guest-1', expiresAt: now + 3_600_000 });
    expect(guest && keepable(guest)).toEqual(json);
  });

  test.each([{ ...json, token: '' }, { ...json, expires_at: 'soon' }, undefined])('is none without its parts: %j', (broken) =>
    expect(parseGuest(broken)).toBeUndefined(),
  );

  test('is renewed a minute before the end, and never in a storm', () => {
    const guest = { token: 't', userId: 'u', expiresAt: now + 3_600_000 };
    expect(needsRenewal(guest, now)).toBe(false);
    expect(needsRenewal(guest, now + 3_541_000)).toBe(true);
    expect(renewIn(guest, now)).toBe(3_540_000);
    expect(renewIn(guest, now + 9e9)).toBe(30_000);
    expect(renewIn({ ...guest, expiresAt: now + 9e12 }, now)).toBeLessThan(2 ** 31);
  });
});

describe('the address of the page', () => {
  const read = (path: string) => readAddress(new URL(path, 'https://example.org'));

  test.each([
    ['/chatbox/chat.html', '/chatbox'],
    ['/chat.html', ''],
    ['/a/b/chat.html?prefix=/other/', '/other'],
    ['/chatbox/chat.html?prefix=', ''],
    ['/chatbox/chat.html?prefix=//evil.example', '/chatbox'],
    ['/chatbox/chat.html?prefix=https://evil.example', '/chatbox'],
  ])('%s has the prefix "%s"', (path, prefix) => expect(read(path).prefix).toBe(prefix));

  test('says what to open', () => {
    expect(read('/c/chat.html?session_id=s-1&token=t&new=1')).toEqual({ prefix: '/c', session: 's-1', token: 't', fresh: true });
    expect(read('/c/chat.html?session_id=%00')).toEqual({ prefix: '/c', session: undefined, token: undefined, fresh: false });
  });

  test('names the chat and hides the token', () => {
    const url = new URL('https://example.org/c/chat.html?token=secret&new=1&prefix=/x');
    expect(showAddress(url, 's-1').search).toBe('?prefix=%2Fx&session_id=s-1');
    expect(showAddress(url, undefined).search).toBe('?prefix=%2Fx');
  });

  test('leads to the socket, without a token in it', () => {
    expect(socketAddress('https://example.org', '/c', 's', { seq: 4 })).toBe('wss://example.org/c/ws?session_id=s&after_seq=4');
    expect(socketAddress('http://localhost:1', '', 's', { seq: 4, run: 'r', off: 9 })).toBe(
      'ws://localhost:1/ws?session_id=s&after_seq=4&run=r&off=9',
    );
  });
});
