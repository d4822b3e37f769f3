import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assistedBy, current, isHelpAsked } from '../src/core/current';
import type { Outbox } from '../src/core/outbox';
import { applyFinal, applyLoading, applyMessage, EMPTY, type LiveAnswer, type Transcript } from '../src/core/transcript';
import type { Message } from '../src/core/wire';
import { FakeServer } from './fake-server';

const at = '';
const STAFF: Record<string, Partial<Message>> = {
  h: { kind: 'help_request' },
  j: { kind: 'admin_join', sender: 'admin', name: 'Grace' },
  s: { sender: 'admin', name: 'Grace' },
  l: { kind: 'admin_leave', sender: 'admin', name: 'Grace' },
};
const message = (seq: number, more: Partial<Message>): Message => ({ seq, id: `m${seq}`, sender: 'user', text: `t${seq}`, at, status: 'complete', ...more });
/**
 * `q3>1`: question 3 stands for question 1; `a4:3`: answer 4 to question 3; `a4`: an answer that does not say to which.
 * `h5`: a human is asked for; `j6`, `s7`, `l8`: one joins, says something and leaves.
 */
const parse = (text: string): Message[] =>
  text.split(' ').filter(Boolean).map((word) => {
    const [seq = 0, other] = word.slice(1).split(/[>:]/).map(Number);
    const staff = STAFF[word[0] ?? ''];
    if (staff) return message(seq, staff);
    return word.startsWith('q') ? message(seq, { replaces: other }) : message(seq, { sender: 'ai', question: other });
  });
const live = (question?: number): LiveAnswer => ({ run: 'r', text: '', at, question });
const nothing: Outbox = { entries: [] };
const pending = (replaces?: number, code?: string): Outbox => ({
  entries: [{ clientId: 'c', session: 's', content: 'x', at, order: 1, replaces, ...(code && { rejection: { code, attempts: 1, recoverable: false } }) }],
});
const seqs = (text: string, running: LiveAnswer[] = [], outbox = nothing) =>
  current({ ...EMPTY, messages: parse(text), live: running }, outbox).messages.map(({ seq }) => seq);

test.each([
  ['all, where nothing is replaced', 'q1 a2:1 q3 a4:3', [1, 2, 3, 4]],
  ['the newest of several answers to one question', 'q1 a2:1 a3:1 a4:1', [1, 4]],
  ['answers to questions that were asked in a row', 'q1 q2 a3:1 a4:2 a5:2', [1, 2, 3, 5]],
  ['no question that was replaced, nor its answers', 'q1 a2:1 a3:1 q4>1 a5:4', [4, 5]],
  ['the end of a chain of replacements', 'q1 a2:1 q3>1 a4:3 q5>3 a6:5 a7:5', [5, 7]],
  ['what an earlier page of the history began', 'a4:3 a5:3 q6>3 a7:6', [6, 7]],
  ['answers that do not say what they answer', 'q1 a2 q3 a4', [1, 2, 3, 4]],
])('a conversation shows %s', (_, text, expected) => expect(seqs(text)).toEqual(expected));

test('an answer goes when another one to the same question begins, and comes back if that is given up', () => {
  expect(seqs('q1 a2:1 q3 a4:3', [live(3)])).toEqual([1, 2, 3]);
  expect(seqs('q1 a2:1 q3 a4:3', [live(undefined)])).toEqual([1, 2, 3, 4]);
  expect(seqs('q1 a2:1 q3 a4:3')).toEqual([1, 2, 3, 4]);
});

test('a run for a question that was replaced is not shown', () => {
  expect(current({ ...EMPTY, messages: parse('q1 q2>1'), live: [live(1)] }, nothing).live).toEqual([]);
});

test('a replacement stands for the question before it is sent, and no more once it was rejected for good', () => {
  expect(seqs('q1 a2:1', [], pending(1))).toEqual([]);
  expect(seqs('q1 a2:1', [], pending(1, 'INVALID_FORMAT'))).toEqual([1, 2]);
  expect(seqs('q1 a2:1', [], pending())).toEqual([1, 2]);
});

test.each([
  ['nothing was asked', '', [], nothing, false, true],
  ['the newest question has its answer', 'q1 a2:1', [], nothing, false, true],
  ['the newest question waits for an answer', 'q1', [], nothing, true, false],
  ['one of two questions waits', 'q1 q2 a3:1', [], nothing, true, false],
  ['an answer is being written', 'q1', [live(1)], nothing, true, false],
  ['an answer is being written anew', 'q1 a2:1', [live(1)], nothing, true, false],
  ['an older server does not say what it answered', 'q1 a2', [], nothing, false, true],
  ['a message is on its way', 'q1 a2:1', [], pending(), false, false],
  ['a message was rejected for good', 'q1 a2:1', [], pending(undefined, 'INVALID_FORMAT'), false, true],
] as const)('when %s', (_, text, running, outbox, isAnswering, isAtRest) => {
  expect(current({ ...EMPTY, messages: parse(text), live: [...running] }, outbox)).toMatchObject({ isAnswering, isAtRest });
});

test.each([
  ['nobody was asked for', 'q1 a2:1', undefined, false, 1, false],
  ['a human was asked for', 'q1 a2:1 h3', undefined, true, 1, false],
  ['a human was asked for before the answer', 'q1 h2', undefined, true, 1, true],
  ['one came', 'q1 a2:1 h3 j4', 'Grace', true, undefined, false],
  ['one came before the answer', 'q1 j2', 'Grace', true, undefined, false],
  ['one is told something', 'j1 q2', 'Grace', true, undefined, false],
  ['the history begins with what one says', 's7 q8', 'Grace', true, undefined, false],
  ['one has left', 'q1 j2 q3 s4 l5', undefined, false, undefined, false],
  ['the model is asked again', 'j2 q3 l4 q5', undefined, false, 5, true],
  ['the model has answered again', 'j2 q3 l4 q5 a6:5', undefined, false, 5, false],
  ['another one is asked for', 'j2 l3 h4', undefined, true, undefined, false],
  ['another one came', 'j2 l3 q4 j5', 'Grace', true, undefined, false],
  ['one came, of whom nothing before has arrived', 'q1 j7', 'Grace', true, undefined, false],
] as const)('when %s', (_, text, name, isAsked, question, isAnswering) => {
  const transcript = { ...EMPTY, messages: parse(text) };
  expect(assistedBy(transcript)).toBe(name);
  expect(isHelpAsked(transcript)).toBe(isAsked);
  const now = current(transcript, nothing);
  expect([now.question?.seq, now.isAnswering]).toEqual([question, isAnswering]);
});

test('who is there is the same in whichever order messages arrive', () => {
  const messages = parse('q1 h2 j3 q4 s5 l6 j7 s8');
  fc.assert(
    fc.property(fc.shuffledSubarray(messages, { minLength: messages.length }), fc.boolean(), (order, isBack) => {
      const received = isBack ? order.filter(({ seq }) => seq < 7) : order;
      const transcript = received.reduce((before, next) => applyMessage(before, next).transcript, EMPTY);
      expect(assistedBy(transcript)).toBe(isBack ? undefined : 'Grace');
      expect(isHelpAsked(transcript)).toBe(!isBack);
    }),
  );
});

test('the newest question and its answer are those that may be replaced', () => {
  const { question, answer } = current({ ...EMPTY, messages: parse('q1 a2:1 q3 a4:3 a5:3') }, nothing);
  expect([question?.seq, answer?.seq]).toEqual([3, 5]);
});

test('the same is shown in whichever order messages arrive, and with some of them twice', () => {
  const change = fc.constantFrom('ask' as const, 'answer once more' as const, 'ask in other words' as const);
  const order = fc.array(fc.nat(), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), order, (changes, order) => {
      const server = new FakeServer();
      for (const next of changes) {
        if (next === 'ask' || server.seq === 0) server.storeFromOtherDevice('question');
        else if (next === 'answer once more') server.regenerate();
        else server.replaceFromOtherDevice('in other words');
        server.startAnswer();
        server.finishAnswer('complete');
      }
      const arriving = [...server.stored, ...server.stored.slice(0, 3).map((it) => ({ ...it }))];
      const places = new Map(arriving.map((it, index) => [it, order[index]] as const));
      arriving.sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
      const { messages, lastSeq } = arriving.reduce((known, it) => arrive(known, it), EMPTY);
      expect(lastSeq).toBe(server.seq);
      expect(current({ ...EMPTY, messages }, nothing).messages.map(({ id }) => id)).toEqual(server.shown);
    }),
  );
});

function arrive(known: Transcript, stored: Message): Transcript {
  const run = { id: stored.run ?? '', fence: stored.seq, question: stored.question };
  if (stored.sender === 'user') return applyMessage(known, stored).transcript;
  return applyFinal(applyLoading(known, run, '').transcript, run, 0, stored).transcript;
}
