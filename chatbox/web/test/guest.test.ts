import { expect, test } from 'vitest';
import { needsRenewal, parseGuest, renewalDelay, serializeGuest } from '../src/core/guest';

const now = Date.parse('2026-01-01T00:00:00Z');
const json = { token: 'a.b.c', user_id: 'guest-1', expires_at: '2026-01-01T01:00:00.000Z' };

test('a guest is serialized as the server sent it', () => {
  const guest = parseGuest(json);
  expect(guest).toEqual({ token: 'a.b.c', userId: 'guest-1', expiresAt: now + 3_600_000 });
  expect(guest && serializeGuest(guest)).toEqual(json);
});

test.each([{ ...json, token: '' }, { ...json, expires_at: 'soon' }, undefined])('%j is no guest', (malformed) =>
  expect(parseGuest(malformed)).toBeUndefined(),
);

test('a token is renewed a minute before it expires, but never more often than every 30 seconds', () => {
  const guest = { token: 't', userId: 'u', expiresAt: now + 3_600_000 };
  expect(needsRenewal(guest, now)).toBe(false);
  expect(needsRenewal(guest, now + 3_541_000)).toBe(true);
  expect(renewalDelay(guest, now)).toBe(3_540_000);
  expect(renewalDelay(guest, now + 9e9)).toBe(30_000);
  expect(renewalDelay({ ...guest, expiresAt: now + 9e12 }, now)).toBeLessThan(2 ** 31);
});
