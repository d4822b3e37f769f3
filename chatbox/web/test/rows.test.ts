import { expect, test } from 'vitest';
import { receive, send, start } from '../src/core/conversation';
import { rows } from '../src/core/rows';
import type { Message } from '../src/core/wire';

const message = (seq: number, sender: Message['sender'], more: Partial<Message> = {}): Message => ({
  seq, sender, id: `m${seq}`, text: `text ${seq}`, at: '2026-01-01', status: 'complete', ...more,
});
const question = message(1, 'user', { clientId: 'c1' });
const failed = message(2, 'ai', { run: 'r1', status: 'failed' });
const empty = start('s', []);
const failureCodes = new Map([['r1', 'LLM_TIMEOUT']]);
const chat = { ...empty, transcript: { ...empty.transcript, lastSeq: 2, messages: [question, failed], failureCodes } };
const newQuestion = { clientId: 'c2', session: 's', content: 'again', at: '2026-01-02', order: 1 };
const rowsOf = (conversation: typeof chat) => rows(conversation, (at) => at);

test('stored, pending and live messages follow each other, with a date before each day', () => {
  const live = [{ run: 'r2', text: '', at: '2026-01-02' }];
  const [pending] = send({ ...chat, transcript: { ...chat.transcript, live } }, newQuestion, 0);
  expect(rows(pending, (at) => at).map(({ kind, key }) => [kind, key])).toEqual([
    ['date', 'date c1'], ['question', 'c1'], ['answer', 'r1'], ['date', 'date c2'], ['pending', 'c2'], ['live', 'r2'],
  ]);
});

test('a live answer is shown before a message that was rejected', () => {
  const live = [{ run: 'r2', text: '', at: '2026-01-01' }];
  const [pending] = send({ ...empty, transcript: { ...empty.transcript, live } }, newQuestion, 0);
  const [rejected] = receive(pending, { type: 'error', error: { code: 'TOO_MANY_REQUESTS', recoverable: true, clientId: 'c2' } }, 0);
  expect(rows(pending, () => '').map(({ kind }) => kind)).toEqual(['pending', 'live']);
  expect(rows(rejected, () => '').map(({ kind }) => kind)).toEqual(['live', 'pending']);
});

test('a failed answer has its code, and offers its question again until another one is sent', () => {
  expect(rowsOf(chat).at(-1)).toMatchObject({ kind: 'answer', again: { text: 'text 1', mustChange: false }, failureCode: 'LLM_TIMEOUT' });
  expect(rowsOf(chat)[1]).toMatchObject({ kind: 'question', isLatest: true });
  const [asked] = send(chat, newQuestion, 0);
  expect(rows(asked, (at) => at)[2]).toMatchObject({ kind: 'answer', again: undefined });
});

test('an answer that is complete, too long or declined offers no retry', () => {
  for (const status of ['complete', 'length', 'refusal'] as const) {
    const whole = { ...chat.transcript, messages: [question, { ...failed, status }] };
    expect(rowsOf({ ...chat, transcript: whole }).at(-1)).toMatchObject({ kind: 'answer', again: undefined });
  }
});

test.each([
  ['content_filter', undefined],
  ['failed', 'LLM_CONTEXT_TOO_LONG'],
  ['failed', 'LLM_CONTENT_FILTERED'],
] as const)('an answer that ended as %s (%s) offers its question to be changed, not to be repeated', (status, code) => {
  const failureCodes = new Map(code ? [['r1', code]] : []);
  const transcript = { ...chat.transcript, messages: [question, { ...failed, status }], failureCodes };
  expect(rowsOf({ ...chat, transcript }).at(-1)).toMatchObject({ again: { text: 'text 1', mustChange: true } });
});

test('the message in flight differs from one that waits behind it', () => {
  const [first] = send({ ...chat, connected: true }, newQuestion, 0);
  const [both] = send(first, { ...newQuestion, clientId: 'c3' }, 0);
  expect(rows(both, () => '').slice(-2)).toMatchObject([{ key: 'c2', isInFlight: true }, { key: 'c3', isInFlight: false }]);
});
