import { describe, expect, test } from 'vitest';
import { parseFrame, resumeFrame, userMessageFrame } from '../src/core/wire';

const parse = (frame: unknown) => parseFrame(JSON.stringify(frame), 's1');

describe('a frame', () => {
  test.each([
    ['not JSON', 'not json'],
    ['not an object', '[]'],
    ['without a type', '{"content":"x"}'],
    ['of another session', '{"type":"loading","run":"r","session_id":"s2"}'],
  ])('that is %s is ignored', (_, source) => expect(parseFrame(source, 's1')).toBeUndefined());

  test('hello has the models; a model without a name is named by its id', () => {
    const frame = { type: 'connection_status', models: [{ id: 'a', name: 'Ada' }, { id: 'b' }, {}], metadata: { op: 'hello' }, timestamp: 't' };
    expect(parse(frame)).toEqual({ type: 'hello', models: [{ id: 'a', name: 'Ada' }, { id: 'b', name: 'b' }], limits: { messageChars: 10_000 }, at: 't' });
  });

  test.each([
    [{ message_chars: 2_000 }, 2_000],
    [{ message_chars: 0 }, 10_000],
    [{ message_chars: '2000' }, 10_000],
    [undefined, 10_000],
  ])('hello with the limits %j allows messages of %d characters', (limits, messageChars) => {
    expect(parse({ type: 'connection_status', limits, metadata: { op: 'hello' } })).toMatchObject({ limits: { messageChars } });
  });

  test('ai_response is a delta or final, by its done mark', () => {
    const frame = { type: 'ai_response', run: 'r', fence: 2, off: 3, content: 'x', timestamp: 't' };
    expect(parse({ ...frame, metadata: { streaming: 'true', done: 'false' } })).toEqual({
      type: 'delta', run: { id: 'r', fence: 2 }, off: 3, text: 'x', at: 't',
    });
    const end = { ...frame, id: 'm', seq: 2, status: 'failed', metadata: { streaming: 'true', done: 'true' } };
    expect(parse(end)).toMatchObject({ type: 'final', off: 3, message: { id: 'm', seq: 2, sender: 'ai', status: 'failed' } });
  });

  test.each(['complete', 'length', 'content_filter', 'refusal', 'failed', 'interrupted', 'cancelled', 'superseded'])('a message has the status %s', (status) => {
    expect(parse({ type: 'user_message', id: 'm', seq: 1, status })).toMatchObject({ message: { status } });
  });

  test.each(['of_a_later_release', '', 7, undefined])('the status %j is taken for complete', (status) => {
    expect(parse({ type: 'user_message', id: 'm', seq: 1, status })).toMatchObject({ message: { status: 'complete' } });
  });

  test.each([
    ['a fraction', 1.5],
    ['negative', -1],
    ['a string', '3'],
  ])('with an offset that is %s is unknown', (_, off) => {
    expect(parse({ type: 'ai_response', run: 'r', off, seq: 4, metadata: { done: 'false' } })).toEqual({ type: 'unknown', seq: 4 });
  });

  test('error names the message or run that it is about', () => {
    const error = { code: 'TOO_MANY_REQUESTS', message: 'm', recoverable: true, retry_after: 1500 };
    expect(parse({ type: 'error', client_id: 'c', error })).toEqual({
      type: 'error',
      error: { code: 'TOO_MANY_REQUESTS', recoverable: true, retryAfter: 1500, clientId: 'c', run: undefined, isOfSession: false },
    });
  });

  test.each([
    [{ type: 'of_a_later_release', id: 'm', content: 'x' }],
    [{ type: 'connection_status', metadata: { op: 'of_a_later_release' } }],
    [{ type: 'connection_status', id: 'm', metadata: { op: 'ack' } }],
    [{ type: 'admin_join' }],
  ])('that is not understood keeps its number: %j', (frame) => {
    expect(parse({ ...frame, seq: 9 })).toEqual({ type: 'unknown', seq: 9 });
  });

  test.each([
    ['user_message', 'admin', { sender: 'admin', kind: undefined, fence: undefined }],
    ['user_message', 'user', { sender: 'user', kind: undefined, fence: undefined }],
    ['user_message', 'ai', { sender: 'user', kind: undefined, fence: undefined }],
    ['help_request', 'user', { sender: 'user', kind: 'help_request' }],
    ['admin_join', 'admin', { sender: 'admin', kind: 'admin_join', fence: 3 }],
    ['admin_leave', 'admin', { sender: 'admin', kind: 'admin_leave', fence: 3 }],
  ])('%s of %s is a message of the session', (type, sender, expected) => {
    const frame = { type, sender, id: 'm', seq: 4, content: 'x', fence: 3, metadata: { admin_name: ' Grace ' } };
    expect(parse(frame)).toMatchObject({ type: 'message', message: { seq: 4, text: 'x', name: 'Grace', ...expected } });
  });
});

test('frames of the page have the fields of the protocol, and no time of the visitor', () => {
  expect(JSON.parse(userMessageFrame('s', 'c', 'hi'))).toEqual({
    type: 'user_message', session_id: 's', client_id: 'c', content: 'hi',
  });
  expect(JSON.parse(resumeFrame('s', { seq: 3, run: 'r', off: 7 }))).toEqual({
    type: 'connection_status', session_id: 's', seq: 3, run: 'r', off: 7, metadata: { op: 'resume' },
  });
});
