import { expect, test } from 'vitest';
import { parsePageUrl, socketUrl, withSession } from '../src/core/url';

const parse = (path: string) => parsePageUrl(new URL(path, 'https://example.org'));

test.each([
  ['/chatbox/chat.html', '/chatbox'],
  ['/chat.html', ''],
  ['/a/b/chat.html?prefix=/other/', '/other'],
  ['/chatbox/chat.html?prefix=', ''],
  ['/chatbox/chat.html?prefix=//evil.example', '/chatbox'],
  ['/chatbox/chat.html?prefix=https://evil.example', '/chatbox'],
])('%s has the prefix "%s"', (path, prefix) => expect(parse(path).prefix).toBe(prefix));

test('the page URL names the session, the token, and the wish for a new chat', () => {
  expect(parse('/c/chat.html?session_id=s-1&token=t&new=1')).toEqual({ prefix: '/c', session: 's-1', token: 't', newChat: true });
  expect(parse('/c/chat.html?session_id=%00')).toEqual({ prefix: '/c', session: undefined, token: undefined, newChat: false });
});

test.each(['undefined', 'null', 'a~b', 'a b', 'x'.repeat(129), ''])('"%s" in the URL names no session', (id) => {
  expect(parse(`/c/chat.html?session_id=${encodeURIComponent(id)}`).session).toBeUndefined();
});

test('the shown URL names the session and hides the token, unless it is kept nowhere else', () => {
  const url = new URL('https://example.org/c/chat.html?token=secret&new=1&prefix=/x');
  expect(withSession(url, 's-1').search).toBe('?prefix=%2Fx&session_id=s-1');
  expect(withSession(url, undefined).search).toBe('?prefix=%2Fx');
  expect(withSession(url, 's-1', false).search).toBe('?token=secret&prefix=%2Fx&session_id=s-1');
});

test('the socket URL names the position to resume from, and contains no token', () => {
  expect(socketUrl('https://example.org', '/c', 's', { seq: 4 })).toBe('wss://example.org/c/ws?session_id=s&after_seq=4');
  expect(socketUrl('http://localhost:1', '', 's', { seq: 4, run: 'r', off: 9 })).toBe(
    'ws://localhost:1/ws?session_id=s&after_seq=4&run=r&off=9',
  );
});
