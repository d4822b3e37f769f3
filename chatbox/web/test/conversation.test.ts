import { describe, expect, test } from 'vitest';
import * as conversation from '../src/core/conversation';
import type { Frame, Message } from '../src/core/wire';

const stored = (seq: number, more: Partial<Message> = {}): Message => ({
  seq, id: `m${seq}`, sender: 'user', text: `text ${seq}`, at: '', status: 'complete', ...more,
});
const entry = { clientId: 'c1', session: 's', content: 'hello', at: 't' };
const hello: Frame = { type: 'hello', models: [] };
const caughtUp = (seq: number, recovered = true): Frame => ({ type: 'caughtUp', seq, recovered });

function run(...steps: ((state: conversation.Conversation) => conversation.Step)[]): conversation.Step {
  return steps.reduce<conversation.Step>(([state], step) => step(state), [conversation.start('s', []), []]);
}
const hears = (frame: Frame, now = 0) => (state: conversation.Conversation) => conversation.receive(state, frame, now);
const says = (now = 0) => (state: conversation.Conversation) => conversation.send(state, entry, now);
const reads = (seq: number) => (state: conversation.Conversation) => conversation.loaded(state, [], seq, 0);
const transmitted = (effects: conversation.Effect[]) =>
  effects.flatMap((effect) => (effect.do === 'transmit' ? [JSON.parse(effect.frame)] : []));

describe('a message of one’s own', () => {
  test('waits for the greeting, and is kept meanwhile', () => {
    expect(run(says())[1]).toEqual([{ do: 'keep', entry }]);
    expect(transmitted(run(says(), hears(hello))[1])).toMatchObject([{ client_id: 'c1', content: 'hello' }]);
  });

  test('goes out again with the next greeting', () => {
    const cut = (state: conversation.Conversation): conversation.Step => [conversation.lost(state, 1006, 1), []];
    expect(transmitted(run(hears(hello), says(), cut, hears(hello, 2))[1])).toMatchObject([{ client_id: 'c1' }]);
  });

  test('moves into the transcript when it is acknowledged', () => {
    const [state, effects] = run(hears(hello), says(), hears({ type: 'ack', clientId: 'c1', id: 'm1', seq: 1 }));
    expect(state.outbox.entries).toEqual([]);
    expect(state.transcript).toMatchObject({ last: 1, messages: [{ clientId: 'c1', text: 'hello', sender: 'user' }] });
    expect(effects).toEqual([{ do: 'forget', clientId: 'c1' }]);
  });

  test('is sent no more when the history has it', () => {
    const [state, effects] = run(says(), (before) => conversation.loaded(before, [stored(1, { clientId: 'c1' })], 1, 0));
    expect(state.outbox.entries).toEqual([]);
    expect(effects).toEqual([{ do: 'forget', clientId: 'c1' }]);
  });

  test('asks for what came before it when its acknowledgement is ahead', () => {
    const [state, effects] = run(hears(hello), says(), hears({ type: 'ack', clientId: 'c1', id: 'm3', seq: 3 }));
    expect(transmitted(effects)).toMatchObject([{ seq: 0, metadata: { op: 'resume' } }]);
    expect(state.transcript.last).toBe(0);
  });

  test('that is too big for the socket is not sent for ever', () => {
    const [state] = run(hears(hello), says());
    expect(conversation.lost(state, 1009, 0).outbox.entries[0]?.refusal).toEqual({ code: 'TOO_LONG', tries: 1 });
    expect(conversation.lost(state, 1006, 0).outbox.entries[0]?.refusal).toBeUndefined();
  });

  test('that nobody answers twice shows that the connection is dead', () => {
    const late = (now: number) => (state: conversation.Conversation) => conversation.tick(state, now);
    expect(transmitted(run(hears(hello), says(), late(10_000))[1])).toMatchObject([{ client_id: 'c1' }]);
    expect(run(hears(hello), says(), late(10_000), late(20_000))[1]).toEqual([{ do: 'reconnect' }]);
  });
});

describe('an error', () => {
  const error = { code: 'TOO_MANY_REQUESTS', recoverable: true, retryAfter: 500 };

  test('about a message leaves it in the outbox and sends it later', () => {
    const failed = hears({ type: 'error', error: { ...error, clientId: 'c1' } });
    const [state] = run(hears(hello), says(), failed);
    expect(state.outbox.entries[0]?.refusal).toEqual({ code: 'TOO_MANY_REQUESTS', tries: 1, retryAt: 500 });
    expect(conversation.wakeAt(state)).toBe(500);
    expect(transmitted(conversation.tick(state, 500)[1])).toMatchObject([{ client_id: 'c1' }]);
  });

  test('about a run is kept with its answer', () => {
    const [state] = run(hears({ type: 'error', error: { code: 'LLM_TIMEOUT', recoverable: true, run: 'r' } }));
    expect(state.transcript.reasons.get('r')).toBe('LLM_TIMEOUT');
  });

  test('about nothing is shown until the next message', () => {
    expect(run(hears({ type: 'error', error }))[0].notice).toBe('TOO_MANY_REQUESTS');
    expect(run(hears({ type: 'error', error }), says())[0].notice).toBeUndefined();
  });
});

describe('catching up', () => {
  test('reads the history when too much is missing', () => {
    expect(run(hears(hello), hears(caughtUp(900, false)))[1]).toEqual([{ do: 'reload' }]);
  });

  test('begins anew when the server has less than was shown', () => {
    const [state, effects] = run(reads(2), hears(hello), hears(caughtUp(0)));
    expect(effects).toEqual([{ do: 'reload' }]);
    expect(state).toMatchObject({ notice: 'FORGOTTEN', transcript: { last: 0, messages: [] } });
    const [after] = conversation.receive(state, { type: 'message', message: stored(1) }, 0);
    expect(after.transcript.messages).toHaveLength(1);
  });

  test('asks once more while that brings something', () => {
    const steps = [reads(2), hears(hello), hears({ type: 'message', message: stored(3) }), hears(caughtUp(4))];
    expect(transmitted(run(...steps)[1])).toMatchObject([{ seq: 3, metadata: { op: 'resume' } }]);
  });

  test('reads the history when asking brings nothing', () => {
    expect(run(reads(2), hears(hello), hears(caughtUp(4)))[1]).toEqual([{ do: 'reload' }]);
  });

  test('goes on when not even the history has what is missing', () => {
    const [state, effects] = run(reads(2), hears(hello), hears(caughtUp(4)), reads(2), hears(caughtUp(4)));
    expect(effects).toEqual([]);
    expect(state).toMatchObject({ asking: undefined, gap: undefined, transcript: { last: 4 } });
  });

  test('that never ends is a dead connection, but slow progress is not', () => {
    const late = (now: number) => (state: conversation.Conversation) => conversation.tick(state, now);
    expect(run(reads(2), hears(hello), late(10_000))[1]).toEqual([{ do: 'reconnect' }]);
    const message = hears({ type: 'message', message: stored(3) }, 9_000);
    expect(run(reads(2), hears(hello), message, late(10_000))[1]).toEqual([]);
  });

  test('does not ask twice at a time', () => {
    const gap = (seq: number) => hears({ type: 'message', message: stored(seq) });
    expect(transmitted(run(reads(2), hears(hello), hears(caughtUp(2)), gap(5))[1])).toHaveLength(1);
    expect(run(reads(2), hears(hello), hears(caughtUp(2)), gap(5), gap(7))[1]).toEqual([]);
  });
});

test('an answer is announced once it is whole, and only if it was seen being written', () => {
  const end: Frame = { type: 'final', run: 'r', off: 0, message: stored(1, { sender: 'ai', text: 'done', run: 'r' }) };
  const announced = { do: 'announce', message: { ...stored(1, { sender: 'ai', text: 'done', run: 'r' }) } };
  expect(run(hears({ type: 'loading', run: 'r', at: '' }), hears(end))[1]).toEqual([announced]);
  expect(run(hears(end))[1]).toEqual([]);
});
