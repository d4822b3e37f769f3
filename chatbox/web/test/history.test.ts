import { expect, test } from 'vitest';
import { newestActiveSession, parseHistory } from '../src/core/history';

test('the history skips malformed messages', () => {
  const messages = [{ id: 'a', seq: 1, sender: 'user', content: 'x', timestamp: 't' }, { id: 'b' }, null];
  expect(parseHistory({ messages, seq: 4 })).toMatchObject({ seq: 4, messages: [{ id: 'a', sender: 'user', text: 'x' }] });
  expect(parseHistory(undefined)).toEqual({ messages: [], seq: 0 });
});

test('an answer of the history says what it answers, and who gave it', () => {
  const answer = { id: 'a', seq: 2, sender: 'ai', content: 'x', question: 1, metadata: { model_id: 'fast' }, status: 'cancelled' };
  const [read] = parseHistory({ messages: [answer], seq: 2 }).messages;
  expect(read).toMatchObject({ question: 1, model: 'fast', status: 'cancelled' });
  expect(parseHistory({ messages: [{ id: 'b', seq: 3, sender: 'user', replaces: 1 }] }).messages[0]).toMatchObject({ replaces: 1 });
});

test('staff and requests for them are read from the history, and what it may hold later is left out', () => {
  const entry = (seq: number, kind: string | undefined, sender: string) =>
    ({ id: `m${seq}`, seq, kind, sender, content: 'x', metadata: { admin_id: 'g', admin_name: 'Grace' } });
  const messages = [entry(1, 'help_request', 'user'), entry(2, 'admin_join', 'admin'), entry(3, undefined, 'admin'), entry(4, 'of_a_later_release', 'user')];
  const read = parseHistory({ messages, seq: 4 });
  expect(read.messages.map(({ kind, sender, name }) => [kind, sender, name])).toEqual([
    ['help_request', 'user', 'Grace'], ['admin_join', 'admin', 'Grace'], [undefined, 'admin', 'Grace'],
  ]);
  expect(read.seq).toBe(4);
});

test('the newest active session is found', () => {
  const sessions = [{ id: 'c', is_active: false }, { id: 'b', is_active: true }, { id: 'a', is_active: true }];
  expect(newestActiveSession({ sessions })).toBe('b');
  expect(newestActiveSession({ sessions: [] })).toBeUndefined();
});
