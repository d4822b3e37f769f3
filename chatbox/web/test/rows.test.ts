import { expect, test } from 'vitest';
import { send, start } from '../src/core/conversation';
import { rows } from '../src/core/rows';
import type { Message } from '../src/core/wire';

const message = (seq: number, sender: Message['sender'], more: Partial<Message> = {}): Message => ({
  seq, sender, id: `m${seq}`, text: `text ${seq}`, at: '2026-01-01', status: 'complete', ...more,
});
const said = message(1, 'user', { clientId: 'c1' });
const failed = message(2, 'ai', { run: 'r1', status: 'failed' });
const empty = start('s', []);
const chat = { ...empty, transcript: { ...empty.transcript, last: 2, messages: [said, failed], reasons: new Map([['r1', 'LLM_TIMEOUT']]) } };
const again = { clientId: 'c2', session: 's', content: 'again', at: '2026-01-02' };
const show = (conversation: typeof chat) => rows(conversation, (at) => at);

test('stored, unsent and live messages follow each other, parted by days', () => {
  const [unsent] = send({ ...chat, transcript: { ...chat.transcript, live: [{ run: 'r2', text: '', at: '2026-01-02' }] } }, again, 0);
  expect(rows(unsent, (at) => at).map(({ kind, key }) => [kind, key])).toEqual([
    ['day', 'day c1'], ['said', 'c1'], ['answer', 'r1'], ['day', 'day c2'], ['unsent', 'c2'], ['live', 'r2'],
  ]);
});

test('a failed answer says why, and offers its question until another one is asked', () => {
  expect(show(chat).at(-1)).toMatchObject({ kind: 'answer', question: 'text 1', reason: 'LLM_TIMEOUT' });
  expect(show(chat)[1]).toMatchObject({ kind: 'said', latest: true });
  const [asked] = send(chat, again, 0);
  expect(rows(asked, (at) => at)[2]).toMatchObject({ kind: 'answer', question: undefined });
});

test('a whole answer offers nothing', () => {
  const whole = { ...chat.transcript, messages: [said, { ...failed, status: 'complete' as const }] };
  expect(show({ ...chat, transcript: whole }).at(-1)).toMatchObject({ kind: 'answer', question: undefined });
});

test('a message on its way is told from one that waits for it', () => {
  const [open] = send({ ...chat, open: true }, again, 0);
  const [both] = send(open, { ...again, clientId: 'c3' }, 0);
  expect(rows(both, () => '').slice(-2)).toMatchObject([{ key: 'c2', onItsWay: true }, { key: 'c3', onItsWay: false }]);
});
