import { describe, expect, test } from 'vitest';
import * as conversation from '../src/core/conversation';
import * as requests from '../src/core/requests';
import type { Frame, Message } from '../src/core/wire';

type StepFunction = (state: conversation.Conversation) => conversation.Step;

const message = (seq: number, more: Partial<Message> = {}): Message => ({ seq, id: `m${seq}`, sender: 'user', text: `t${seq}`, at: '', status: 'complete', ...more });
const answer = (seq: number, question: number, more: Partial<Message> = {}) => message(seq, { sender: 'ai', run: `r${seq}`, question, ...more });
const MODELS = [{ id: 'fast', name: 'Fast' }, { id: 'good', name: 'Good' }];
const hello: Frame = { type: 'hello', models: MODELS, limits: { messageChars: 100 }, at: '' };
const caughtUp = (seq: number): Frame => ({ type: 'caughtUp', seq, recovered: true });
const loading = (id: string, question: number, fence = 1): Frame => ({ type: 'loading', run: { id, fence, question }, at: '' });
const final = (stored: Message, fence = 1): Frame => ({ type: 'final', run: { id: stored.run ?? '', fence }, off: 0, message: stored });
const refusal = (code: string): Frame => ({ type: 'error', error: { code, recoverable: code === 'SERVICE_ERROR', isOfSession: true } });

const receive = (frame: Frame, now = 0): StepFunction => (state) => conversation.receive(state, frame, now);
const stop = (now = 0): StepFunction => (state) => requests.stop(state, now);
const regenerate = (seq: number, now = 0): StepFunction => (state) => requests.regenerate(state, seq, now);
const choose = (model: string, now = 0): StepFunction => (state) => requests.chooseModel(state, model, now);
const send: StepFunction = (state) => conversation.send(state, { clientId: 'c', session: 's', content: 'x', at: '', order: 1 }, 0);
const tick = (now: number): StepFunction => (state) => conversation.tick(state, now);
const disconnect: StepFunction = (state) => [conversation.disconnected(state, 1006, 0), []];
/** A chat with these messages, connected and caught up. */
const chat = (...messages: Message[]): StepFunction[] => [
  (state) => conversation.historyLoaded(state, messages, messages.length, 0),
  receive(hello),
  receive(caughtUp(messages.length)),
];
const again = (seq: number): StepFunction[] => [disconnect, receive(hello), receive(caughtUp(seq))];

/** Applies the steps in turn; the effects are those of the last one. */
function run(...steps: StepFunction[]): conversation.Step {
  return steps.reduce<conversation.Step>(([state], step) => step(state), [conversation.start('s', []), []]);
}
const after = (...steps: StepFunction[]) => run(...steps)[0];
/** What the last step has sent. */
const sent = (...steps: StepFunction[]) =>
  run(...steps)[1].flatMap((effect) => (effect.type === 'transmit' ? [JSON.parse(effect.frame)] : []));
const model = (state: conversation.Conversation) => requests.answeringModel(state, MODELS)?.id;

describe('the model that answers next', () => {
  const chosen = (id: string) => receive({ type: 'model', model: id });

  test('is the first one, until the server names another', () => {
    expect(model(after(receive(hello)))).toBe('fast');
    expect(model(after(receive(hello), chosen('good')))).toBe('good');
    expect(model(after(receive(hello), chosen('not configured any more')))).toBe('fast');
  });

  test('is not that of the connection before, where the server names none', () => {
    expect(model(after(receive(hello), chosen('good'), disconnect, receive(hello)))).toBe('fast');
  });

  test('is the one that the person chose, at once', () => {
    expect(sent(receive(hello), choose('good'))).toEqual([{ type: 'model_select', session_id: 's', model_id: 'good' }]);
    expect(model(after(receive(hello), choose('good')))).toBe('good');
    expect(after(receive(hello), choose('good'), chosen('good'))).toMatchObject({ model: 'good', requests: [] });
  });

  test('is the one before when the server refuses the choice', () => {
    const state = after(receive(hello), chosen('good'), choose('fast'), receive(refusal('INVALID_FORMAT')));
    expect([model(state), state.notice, state.requests]).toEqual(['good', 'MODEL_GONE', []]);
    expect(after(receive(hello), choose('good'), receive(refusal('TOO_MANY_REQUESTS'))).notice).toBe('TOO_MANY_REQUESTS');
  });

  test('is the one that another device chose last', () => {
    expect(model(after(receive(hello), choose('good'), chosen('good'), chosen('fast')))).toBe('fast');
  });

  test('is chosen on the next connection, when there is none now', () => {
    const offline = [...chat(), disconnect, choose('good'), choose('fast'), choose('good')];
    expect(sent(...offline)).toEqual([]);
    expect(model(after(...offline))).toBe('good');
    expect(sent(...offline, receive(hello))).toMatchObject([{ model_id: 'good' }]);
  });

  test('is the last of two that were chosen one after the other', () => {
    const both = [receive(hello), chosen('fast'), choose('good'), choose('fast')];
    expect(sent(...both)).toMatchObject([{ model_id: 'fast' }]);
    expect(model(after(...both, chosen('good')))).toBe('fast');
    expect(model(after(...both, chosen('good'), chosen('fast')))).toBe('fast');
  });

  test('answers what is written after it was chosen, also where both have to wait', () => {
    const both = [...chat(message(1)), disconnect, choose('good'), send, receive(hello)];
    expect(sent(...both)).toEqual([]);
    expect(sent(...both, receive(caughtUp(1))).map(({ type }) => type)).toEqual(['model_select', 'user_message']);
  });

  test('is not asked for again when another device has chosen it meanwhile', () => {
    expect(sent(...chat(), disconnect, choose('good'), receive(hello), chosen('good'))).toEqual([]);
  });
});

describe('stopping an answer', () => {
  const writing = [...chat(message(1)), receive(loading('r2', 1))];
  const cancel = { type: 'connection_status', session_id: 's', run: 'r2', metadata: { op: 'cancel' } };

  test('names its run, also before its first word', () => expect(sent(...writing, stop())).toEqual([cancel]));

  test('twice is asked for once', () => expect(sent(...writing, stop(), stop())).toEqual([]));

  test('that is only waited for, waits for its run', () => {
    expect(sent(...chat(message(1)), stop())).toEqual([]);
    expect(requests.isStopping(after(...chat(message(1)), stop()))).toBe(true);
    expect(sent(...chat(message(1)), stop(), receive(loading('r2', 1)))).toEqual([cancel]);
  });

  test('lasts until its end, whatever comes first', () => {
    const end = receive(final(answer(2, 1, { run: 'r2', status: 'cancelled', text: 'some' })));
    const reply = receive({ type: 'cancel', run: 'r2' });
    expect(requests.isStopping(after(...writing, stop(), reply))).toBe(true);
    for (const steps of [[reply, end], [end, reply]]) {
      const state = after(...writing, stop(), ...steps);
      expect(state).toMatchObject({ requests: [], transcript: { live: [], messages: [{}, { status: 'cancelled', text: 'some' }] } });
    }
  });

  test('is asked for again after a lost connection, if the answer is still being written', () => {
    const back = [disconnect, receive(hello), receive(loading('r2', 1))];
    expect(sent(...writing, stop(), ...back)).toEqual([]);
    expect(sent(...writing, stop(), ...back, receive(caughtUp(1)))).toEqual([cancel]);
    expect(sent(...writing, stop(), receive({ type: 'cancel', run: 'r2' }), ...back, receive(caughtUp(1)))).toEqual([cancel]);
    expect(sent(...writing, disconnect, stop(), receive(hello), receive(loading('r2', 1)), receive(caughtUp(1)))).toEqual([cancel]);
  });

  test('does not wait for a resume that the server has put off', () => {
    const gap = receive({ type: 'message', message: message(9) });
    expect(sent(...writing, gap, stop())).toEqual([]);
    expect(sent(...writing, gap, receive(refusal('TOO_MANY_REQUESTS')), stop())).toEqual([cancel]);
  });

  test('is over when the answer has ended meanwhile', () => {
    const back = [disconnect, receive(hello), receive(final(answer(2, 1, { run: 'r2' }))), receive(caughtUp(2))];
    expect(sent(...writing, stop(), ...back)).toEqual([]);
    expect(after(...writing, stop(), ...back).requests).toEqual([]);
  });

  test('is over when the next answer is being written', () => {
    const asked = receive({ type: 'message', message: message(2) });
    const back = [disconnect, receive(hello), receive(final(answer(3, 1, { run: 'r2' }))), receive(loading('r4', 2, 2)), receive(caughtUp(3))];
    expect(sent(...writing, asked, stop(), ...back)).toEqual([]);
    expect(after(...writing, asked, stop(), ...back).requests).toEqual([]);
    expect(sent(...writing, asked, stop(), ...back, stop())).toEqual([{ ...cancel, run: 'r4' }]);
  });

  test('does not stop the next answer', () => {
    const next = [receive({ type: 'message', message: message(2) }), stop(), receive(final(answer(3, 1, { run: 'r2' }))), receive(loading('r4', 2, 2))];
    expect(sent(...writing, ...next)).toEqual([]);
    expect(requests.isStopping(after(...writing, ...next))).toBe(false);
  });

  test('that has ended on the server is not waited for', () => {
    expect(requests.isStopping(after(...writing, stop(), receive({ type: 'cancel', run: undefined })))).toBe(false);
  });

  test('is nothing where nothing is written', () => {
    expect(run(...chat(message(1), answer(2, 1)), stop())[1]).toEqual([]);
    expect(after(...chat(message(1), answer(2, 1)), stop()).requests).toEqual([]);
  });
});

describe('another answer', () => {
  const whole = chat(message(1), answer(2, 1));
  const regenerateFrame = { type: 'connection_status', session_id: 's', seq: 2, metadata: { op: 'regenerate' } };

  test('is asked for once, by the number of the one before', () => {
    expect(sent(...whole, regenerate(2))).toEqual([regenerateFrame]);
    expect(sent(...whole, regenerate(2), regenerate(2))).toEqual([]);
    expect(requests.isRegenerating(after(...whole, regenerate(2)), 2)).toBe(true);
  });

  test('ends the request when it begins, or has ended', () => {
    expect(after(...whole, regenerate(2), receive(loading('r3', 1, 2))).requests).toEqual([]);
    expect(after(...whole, regenerate(2), receive(final(answer(3, 1), 2))).requests).toEqual([]);
  });

  test.each([
    ['SERVICE_ERROR', 'BUSY'],
    ['INVALID_FORMAT', 'NOT_NEWEST'],
    ['DATABASE_ERROR', 'DATABASE_ERROR'],
  ])('that is refused with %s leaves everything as it was', (code, notice) => {
    const state = after(...whole, regenerate(2), receive(refusal(code)));
    expect(state).toMatchObject({ notice, requests: [], transcript: after(...whole).transcript });
    expect(sent(...whole, regenerate(2), receive(refusal(code)), regenerate(2))).toEqual([regenerateFrame]);
  });

  test('that has to wait for the one at work is no news once that has ended', () => {
    const busy = [...whole, regenerate(2), receive(refusal('SERVICE_ERROR')), receive(final(answer(3, 1), 2))];
    expect(after(...busy).notice).toBeUndefined();
  });

  test('is asked for again after a lost connection, if it has not begun', () => {
    expect(sent(...whole, regenerate(2), ...again(2))).toEqual([regenerateFrame]);
    expect(sent(...whole, disconnect, regenerate(2), receive(hello), receive(caughtUp(2)))).toEqual([regenerateFrame]);
    const begun = [disconnect, receive(hello), receive(loading('r3', 1, 2)), receive(caughtUp(2))];
    expect(sent(...whole, regenerate(2), ...begun)).toEqual([]);
    expect(after(...whole, regenerate(2), ...begun).requests).toEqual([]);
  });

  test('is not asked for where something newer was asked', () => {
    const newer = receive({ type: 'message', message: message(3) });
    expect(sent(...whole, disconnect, regenerate(2), receive(hello), newer, receive(caughtUp(3)))).toEqual([]);
    // A refusal that is under way is still about this request, and about no message in flight.
    const state = after(...whole, regenerate(2), newer, send, receive(refusal('INVALID_FORMAT')));
    expect(state).toMatchObject({ notice: 'NOT_NEWEST', requests: [] });
    expect(state.outbox.entries[0]?.rejection).toBeUndefined();
  });

  test('that was accepted in silence is found out by a resume, and a dead connection too', () => {
    const asked = [...whole, regenerate(2)];
    expect(conversation.nextDeadline(after(...asked))).toBe(10_000);
    expect(sent(...asked, tick(10_000))).toMatchObject([{ metadata: { op: 'resume' } }]);
    expect(after(...asked, tick(10_000), receive(caughtUp(2), 10_100)).requests).toEqual([]);
    expect(run(...asked, tick(10_000), tick(20_000))[1]).toEqual([{ type: 'reconnect' }]);
  });
});

describe('a human', () => {
  const help: StepFunction = (state) => requests.requestHelp(state, 0);
  const confirmed = receive({ type: 'help' });
  const asked = (seq: number) => receive({ type: 'message', message: message(seq, { kind: 'help_request' }) });
  const frame = { type: 'help_request', session_id: 's' };
  const left = message(3, { sender: 'admin', kind: 'admin_leave' });

  test('is asked for once', () => {
    expect(sent(receive(hello), help)).toEqual([frame]);
    expect(sent(receive(hello), help, help)).toEqual([]);
    expect(sent(receive(hello), help, confirmed, help)).toEqual([]);
    expect(sent(receive(hello), help, asked(1), confirmed, help)).toEqual([]);
  });

  test('is asked for again after a lost connection, until the message says it', () => {
    expect(sent(help, receive(hello))).toEqual([frame]);
    expect(sent(...chat(message(1)), help, ...again(1))).toEqual([frame]);
    expect(sent(...chat(message(1)), help, disconnect, receive(hello), asked(2), receive(caughtUp(2)))).toEqual([]);
    expect(after(...chat(message(1)), help, disconnect, receive(hello), asked(2), receive(caughtUp(2))).requests).toEqual([]);
  });

  test.each([
    ['and its message', [asked(1), confirmed]],
    ['before its message', [confirmed, asked(1)]],
  ])('was asked for when the reply has come %s', (_, steps) => {
    expect(after(receive(hello), help, ...steps).requests).toEqual([]);
  });

  test('who has come meanwhile leaves nothing to be written anew or to be stopped', () => {
    const join = receive({ type: 'message', message: message(3, { sender: 'admin', kind: 'admin_join', fence: 2 }) });
    const offline = [...chat(message(1), answer(2, 1)), disconnect, regenerate(2), receive(hello)];
    expect(sent(...offline, receive(caughtUp(2)))).toHaveLength(1);
    expect(sent(...offline, join, receive(caughtUp(3)))).toEqual([]);
    expect(after(...offline, join, receive(caughtUp(3)), stop()).requests).toEqual([]);
  });

  test('was asked for when a resume brings nothing else', () => {
    const settled = after(...chat(message(1)), help, confirmed, tick(10_000), receive(caughtUp(1)));
    expect(settled.requests).toEqual([]);
  });

  test('may be asked for once more when one has left, and not while one is there', () => {
    expect(sent(...chat(message(1, { kind: 'help_request' }), message(2, { sender: 'admin' }), left), help)).toEqual([frame]);
    expect(sent(...chat(message(1, { kind: 'help_request' }), message(2, { sender: 'admin' })), help)).toEqual([]);
  });

  test('who is refused leaves everything as it was', () => {
    expect(after(receive(hello), help, receive(refusal('SERVICE_ERROR')))).toMatchObject({ requests: [], notice: 'HELP_FAILED' });
    expect(after(receive(hello), help, receive(refusal('UNAUTHORIZED')))).toMatchObject({ requests: [], notice: 'UNAUTHORIZED' });
  });
});

test('a refusal is about the oldest request that has no reply', () => {
  const both = [...chat(message(1), answer(2, 1)), regenerate(2), choose('good')];
  const first = after(...both, receive(refusal('SERVICE_ERROR')));
  expect([first.notice, model(first)]).toEqual(['BUSY', 'good']);
  const second = after(...both, receive(refusal('SERVICE_ERROR')), receive(refusal('INVALID_FORMAT')));
  expect([second.notice, model(second)]).toEqual(['MODEL_GONE', 'fast']);
});

test('a refusal is about the request that was sent first, also where another one was made before', () => {
  const waits = [...chat(message(1)), stop(), choose('gone'), receive(loading('r2', 1))];
  const state = after(...waits, receive(refusal('INVALID_FORMAT')));
  expect([state.notice, state.requests.map(({ type }) => type)]).toEqual(['MODEL_GONE', ['cancel']]);
});

test.each([
  ['a frame that could not be read', { code: 'INVALID_FORMAT', recoverable: false, isOfSession: false }],
  ['an answer', { code: 'LLM_TIMEOUT', recoverable: true, isOfSession: true, run: 'r' }],
  ['a message', { code: 'INVALID_FORMAT', recoverable: false, isOfSession: true, clientId: 'c' }],
  ['the token', { code: 'EXPIRED_TOKEN', recoverable: false, isOfSession: true }],
])('an error about %s refuses no request', (_, error) => {
  const state = after(receive(hello), choose('good'), receive({ type: 'error', error }));
  expect([model(state), state.requests.length]).toEqual(['good', 1]);
});

describe('a question in other words', () => {
  const entry = { clientId: 'c9', session: 's', content: 'better', at: '', order: 1, replaces: 1 };
  const edit: StepFunction = (state) => conversation.send(state, entry, 0);
  const whole = chat(message(1), answer(2, 1));

  test('is a message like others: kept, sent, and sent again unchanged', () => {
    const frame = { type: 'user_message', session_id: 's', client_id: 'c9', content: 'better', replaces: 1 };
    expect(run(...whole, edit)[1][0]).toEqual({ type: 'persist', entry });
    expect(sent(...whole, edit)).toEqual([frame]);
    expect(sent(...whole, edit, disconnect, receive(hello))).toEqual([frame]);
  });

  test('stands for the old one also after it was acknowledged', () => {
    const state = after(...whole, edit, receive({ type: 'ack', clientId: 'c9', id: 'm3', seq: 3, at: '' }));
    expect(state.transcript.messages.at(-1)).toMatchObject({ seq: 3, text: 'better', replaces: 1 });
    expect(state.outbox.entries).toEqual([]);
  });
});
