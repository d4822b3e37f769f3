import { expect, test } from 'vitest';
import { receive, send, start } from '../src/core/conversation';
import { rows } from '../src/core/rows';
import { failureText, systemText } from '../src/core/strings';
import { type Message, STATUSES } from '../src/core/wire';

const message = (seq: number, sender: Message['sender'], more: Partial<Message> = {}): Message => ({
  seq, sender, id: `m${seq}`, text: `text ${seq}`, at: '2026-01-01', status: 'complete', ...more,
});
const question = message(1, 'user', { clientId: 'c1' });
const failed = message(2, 'ai', { run: 'r1', status: 'failed', question: 1 });
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

test('a failed answer has its code, and may be written anew until another question is sent', () => {
  expect(rowsOf(chat).at(-1)).toMatchObject({ kind: 'answer', again: { question: 1, mustChange: false }, failureCode: 'LLM_TIMEOUT' });
  expect(rowsOf(chat)[1]).toMatchObject({ kind: 'question', isLatest: true, canEdit: true });
  const [asked] = send(chat, newQuestion, 0);
  expect(rows(asked, (at) => at)[1]).toMatchObject({ kind: 'question', isLatest: false, canEdit: false });
  expect(rows(asked, (at) => at)[2]).toMatchObject({ kind: 'answer', again: undefined });
});

test.each(STATUSES)('the newest answer may be written anew, however it ended: %s', (status) => {
  const transcript = { ...chat.transcript, messages: [question, { ...failed, status }], failureCodes: new Map() };
  expect(rowsOf({ ...chat, transcript }).at(-1)).toMatchObject({ again: { question: 1, mustChange: status === 'content_filter' } });
});

test('only the newest question and answer may be replaced, and not while something is under way', () => {
  const messages = [question, failed, message(3, 'user'), message(4, 'ai', { run: 'r4', question: 3 })];
  const changes = (conversation: typeof chat) =>
    rows(conversation, () => '').map((row) => (row.kind === 'question' ? row.canEdit : row.kind === 'answer' && row.again !== undefined));
  const whole = { ...chat, transcript: { ...chat.transcript, messages } };
  expect(changes(whole)).toEqual([false, false, true, true]);
  const live = [{ run: 'r5', text: '', at: '', question: 3 }];
  expect(changes({ ...whole, transcript: { ...whole.transcript, live } })).toEqual([false, false, false, false]);
  expect(changes({ ...whole, transcript: { ...whole.transcript, messages: messages.slice(0, 3) } })).toEqual([false, false, false]);
});

test.each([
  ['help_request', 'user', 'x', 'You have asked to talk to a human.'],
  ['admin_join', 'admin', 'Grace has joined.', 'Grace has joined.'],
  ['admin_join', 'admin', '', 'Grace has joined the conversation.'],
  ['admin_leave', 'admin', '', 'Grace has left the conversation.'],
] as const)('%s of %s with the text %j is a line of the system', (kind, sender, text, expected) => {
  const messages = [question, failed, message(3, sender, { kind, text, name: 'Grace' })];
  const row = rowsOf({ ...chat, transcript: { ...chat.transcript, messages } }).at(-1);
  expect(row).toMatchObject({ kind: 'system' });
  expect(row?.kind === 'system' && systemText(row.message)).toBe(expected);
});

test('an answer that a human cut off is shown with its text, and not without', () => {
  const shown = (text: string) =>
    rows({ ...chat, transcript: { ...chat.transcript, messages: [question, { ...failed, status: 'superseded', text }] } }, () => '');
  expect(shown('Once').map(({ kind }) => kind)).toEqual(['question', 'answer']);
  expect(shown('').map(({ kind }) => kind)).toEqual(['question']);
  expect(failureText('superseded')).toBe('A member of our staff took over.');
});

test('an answer of the team is nobody\'s to write anew', () => {
  const transcript = { ...chat.transcript, messages: [question, message(2, 'admin')] };
  expect(rowsOf({ ...chat, transcript }).at(-1)).toMatchObject({ kind: 'answer', again: undefined });
});

test.each([
  ['content_filter', undefined],
  ['failed', 'LLM_CONTEXT_TOO_LONG'],
  ['failed', 'LLM_CONTENT_FILTERED'],
] as const)('an answer that ended as %s (%s) offers its question to be changed', (status, code) => {
  const failureCodes = new Map(code ? [['r1', code]] : []);
  const transcript = { ...chat.transcript, messages: [question, { ...failed, status }], failureCodes };
  expect(rowsOf({ ...chat, transcript }).at(-1)).toMatchObject({ again: { question: 1, mustChange: true } });
});

test('a question in other words takes the place of the old one and its answer at once', () => {
  const [edited] = send(chat, { ...newQuestion, replaces: 1 }, 0);
  expect(rows(edited, () => '').map(({ key }) => key)).toEqual(['c2']);
  const refusal = { type: 'error', error: { code: 'INVALID_FORMAT', recoverable: false, clientId: 'c2' } } as const;
  const [refused] = receive(edited, refusal, 0);
  expect(rows(refused, () => '').map(({ key }) => key)).toEqual(['c1', 'r1', 'c2']);
});

test('the message in flight differs from one that waits behind it', () => {
  const [first] = send({ ...chat, connected: true }, newQuestion, 0);
  const [both] = send(first, { ...newQuestion, clientId: 'c3' }, 0);
  expect(rows(both, () => '').slice(-2)).toMatchObject([{ key: 'c2', isInFlight: true }, { key: 'c3', isInFlight: false }]);
});
