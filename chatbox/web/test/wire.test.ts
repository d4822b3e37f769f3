import { describe, expect, test } from 'vitest';
import { parseHistory, newestActive } from '../src/core/history';
import { parseFrame, resume, userMessage } from '../src/core/wire';

const read = (frame: unknown) => parseFrame(JSON.stringify(frame), 's1');

describe('a frame', () => {
  test.each([
    ['no JSON', 'not json'],
    ['no object', '[]'],
    ['no type', '{"content":"x"}'],
    ['another session', '{"type":"loading","run":"r","session_id":"s2"}'],
  ])('of %s is no frame', (_, source) => expect(parseFrame(source, 's1')).toBeUndefined());

  test('of the greeting brings the models, named by their id where they have no name', () => {
    const frame = { type: 'connection_status', models: [{ id: 'a', name: 'Ada' }, { id: 'b' }, {}], metadata: { op: 'hello' } };
    expect(read(frame)).toEqual({ type: 'hello', models: [{ id: 'a', name: 'Ada' }, { id: 'b', name: 'b' }] });
  });

  test('of a delta and of an end differ by their done mark', () => {
    const frame = { type: 'ai_response', run: 'r', off: 3, content: 'x', timestamp: 't' };
    expect(read({ ...frame, metadata: { streaming: 'true', done: 'false' } })).toEqual({
      type: 'delta', run: 'r', off: 3, text: 'x', at: 't',
    });
    const end = { ...frame, id: 'm', seq: 2, status: 'failed', metadata: { streaming: 'true', done: 'true' } };
    expect(read(end)).toMatchObject({ type: 'final', off: 3, message: { id: 'm', seq: 2, sender: 'ai', status: 'failed' } });
  });

  test.each([
    ['a fraction', 1.5],
    ['less than nothing', -1],
    ['text', '3'],
  ])('with an offset that is %s counts as unknown', (_, off) => {
    expect(read({ type: 'ai_response', run: 'r', off, seq: 4, metadata: { done: 'false' } })).toEqual({ type: 'unknown', seq: 4 });
  });

  test('of an error keeps whom it is about', () => {
    const error = { code: 'TOO_MANY_REQUESTS', message: 'm', recoverable: true, retry_after: 1500 };
    expect(read({ type: 'error', client_id: 'c', error })).toEqual({
      type: 'error',
      error: { code: 'TOO_MANY_REQUESTS', recoverable: true, retryAfter: 1500, clientId: 'c', run: undefined },
    });
  });

  test('of a type that is not known yet keeps its number', () => {
    expect(read({ type: 'admin_join', seq: 9 })).toEqual({ type: 'unknown', seq: 9 });
  });
});

test('what the page sends has the words of the wire', () => {
  expect(JSON.parse(userMessage('s', 'c', 'hi', 't'))).toEqual({
    type: 'user_message', session_id: 's', client_id: 'c', content: 'hi', timestamp: 't', sender: 'user',
  });
  expect(JSON.parse(resume('s', { seq: 3, run: 'r', off: 7 }, 't'))).toEqual({
    type: 'connection_status', session_id: 's', seq: 3, run: 'r', off: 7, timestamp: 't', sender: 'user', metadata: { op: 'resume' },
  });
});

test('the history skips what it cannot read', () => {
  const messages = [{ id: 'a', seq: 1, sender: 'user', content: 'x', timestamp: 't' }, { id: 'b' }, null];
  expect(parseHistory({ messages, seq: 4 })).toMatchObject({ seq: 4, messages: [{ id: 'a', sender: 'user', text: 'x' }] });
  expect(parseHistory(undefined)).toEqual({ messages: [], seq: 0 });
});

test('the newest chat that is still active is gone on with', () => {
  const sessions = [{ id: 'c', is_active: false }, { id: 'b', is_active: true }, { id: 'a', is_active: true }];
  expect(newestActive({ sessions })).toBe('b');
  expect(newestActive({ sessions: [] })).toBeUndefined();
});
