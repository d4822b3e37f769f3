import { expect, test } from 'vitest';
import { newestActiveSession, parseHistory } from '../src/core/history';

test('the history skips malformed messages', () => {
  const messages = [{ id: 'a', seq: 1, sender: 'user', content: 'x', timestamp: 't' }, { id: 'b' }, null];
  expect(parseHistory({ messages, seq: 4 })).toMatchObject({ seq: 4, messages: [{ id: 'a', sender: 'user', text: 'x' }] });
  expect(parseHistory(undefined)).toEqual({ messages: [], seq: 0 });
});

test('the newest active session is found', () => {
  const sessions = [{ id: 'c', is_active: false }, { id: 'b', is_active: true }, { id: 'a', is_active: true }];
  expect(newestActiveSession({ sessions })).toBe('b');
  expect(newestActiveSession({ sessions: [] })).toBeUndefined();
});
