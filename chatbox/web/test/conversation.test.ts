import { describe, expect, test } from 'vitest';
import * as conversation from '../src/core/conversation';
import type { Frame, Message } from '../src/core/wire';

type StepFunction = (state: conversation.Conversation) => conversation.Step;

const stored = (seq: number, more: Partial<Message> = {}): Message => ({
  seq, id: `m${seq}`, sender: 'user', text: `text ${seq}`, at: '', status: 'complete', ...more,
});
const entry = { clientId: 'c1', session: 's', content: 'hello', at: 't', order: 1 };
const hello: Frame = { type: 'hello', models: [], limits: { messageChars: 20 }, at: '' };
const caughtUp = (seq: number, recovered = true): Frame => ({ type: 'caughtUp', seq, recovered });

/** Applies the steps in turn; the effects are those of the last one. */
function run(...steps: StepFunction[]): conversation.Step {
  return steps.reduce<conversation.Step>(([state], step) => step(state), [conversation.start('s', []), []]);
}
const receive = (frame: Frame, now = 0): StepFunction => (state) => conversation.receive(state, frame, now);
const send = (now = 0): StepFunction => (state) => conversation.send(state, entry, now);
const tick = (now: number): StepFunction => (state) => conversation.tick(state, now);
const loadHistory = (seq: number): StepFunction => (state) => conversation.historyLoaded(state, [], seq, 0);
const transmitted = (effects: conversation.Effect[]) =>
  effects.flatMap((effect) => (effect.type === 'transmit' ? [JSON.parse(effect.frame)] : []));

describe('a sent message', () => {
  test('is persisted, and transmitted after the hello', () => {
    expect(run(send())[1]).toEqual([{ type: 'persist', entry }]);
    expect(transmitted(run(send(), receive(hello))[1])).toMatchObject([{ client_id: 'c1', content: 'hello' }]);
  });

  test('is transmitted again after the next hello', () => {
    const disconnect: StepFunction = (state) => [conversation.disconnected(state, 1006, 1), []];
    expect(transmitted(run(receive(hello), send(), disconnect, receive(hello, 2))[1])).toMatchObject([{ client_id: 'c1' }]);
  });

  test('moves to the transcript when it is acknowledged', () => {
    const [state, effects] = run(receive(hello), send(), receive({ type: 'ack', clientId: 'c1', id: 'm1', seq: 1, at: 'server' }));
    expect(state.outbox.entries).toEqual([]);
    expect(state.transcript).toMatchObject({ lastSeq: 1, messages: [{ clientId: 'c1', text: 'hello', sender: 'user', at: 'server' }] });
    expect(effects).toEqual([{ type: 'forget', clientId: 'c1' }]);
  });

  test('leaves the outbox when the history contains it', () => {
    const [state, effects] = run(send(), (before) => conversation.historyLoaded(before, [stored(1, { clientId: 'c1' })], 1, 0));
    expect(state.outbox.entries).toEqual([]);
    expect(effects).toEqual([{ type: 'forget', clientId: 'c1' }]);
  });

  test('requests earlier messages when its acknowledgement is ahead of them', () => {
    const [state, effects] = run(receive(hello), send(), receive({ type: 'ack', clientId: 'c1', id: 'm3', seq: 3, at: '' }));
    expect(transmitted(effects)).toMatchObject([{ seq: 0, metadata: { op: 'resume' } }]);
    expect(state.transcript.lastSeq).toBe(0);
  });

  test('that is too big for a frame, or no text, is rejected, not sent again', () => {
    const [state] = run(receive(hello), send());
    expect(conversation.disconnected(state, 1007, 0).outbox.entries[0]?.rejection).toMatchObject({ code: 'INVALID_FORMAT' });
    expect(conversation.disconnected(state, 1009, 0).outbox.entries[0]?.rejection).toEqual({ code: 'TOO_LONG', attempts: 1, recoverable: false });
    expect(conversation.disconnected(state, 1006, 0).outbox.entries[0]?.rejection).toBeUndefined();
  });

  test('whose acknowledgement lies behind other frames cuts no connection that delivers', () => {
    const steps = [receive(hello), send(), tick(10_000), receive({ type: 'message', message: stored(1) }, 19_000)];
    expect(run(...steps, tick(20_000))[1]).toEqual([]);
    expect(run(...steps, tick(29_000))[1]).toEqual([{ type: 'reconnect' }]);
  });

  test('without an acknowledgement is transmitted again, and then the connection counts as dead', () => {
    expect(transmitted(run(receive(hello), send(), tick(10_000))[1])).toMatchObject([{ client_id: 'c1' }]);
    expect(run(receive(hello), send(), tick(10_000), tick(20_000))[1]).toEqual([{ type: 'reconnect' }]);
  });
});

test.each([
  ['x'.repeat(21), 'TOO_LONG'],
  ['x'.repeat(20), undefined],
  ['😀'.repeat(20), undefined],
  [` ${'x'.repeat(20)}\n`, undefined],
])('a pending message is held to the limit that the server names: %j', (content, code) => {
  const pending = { ...entry, content };
  const [state, effects] = conversation.receive(conversation.start('s', [pending]), hello, 0);
  expect(state.outbox.entries[0]?.rejection?.code).toBe(code);
  expect(transmitted(effects)).toHaveLength(code ? 0 : 1);
});

describe('an error', () => {
  const error = { code: 'TOO_MANY_REQUESTS', recoverable: true, retryAfter: 500 };

  test('about a message keeps it in the outbox and sends it later', () => {
    const [state] = run(receive(hello), send(), receive({ type: 'error', error: { ...error, clientId: 'c1' } }));
    expect(state.outbox.entries[0]?.rejection).toEqual({ code: 'TOO_MANY_REQUESTS', attempts: 1, recoverable: true, retryAt: 500 });
    expect(conversation.nextDeadline(state)).toBe(500);
    expect(transmitted(conversation.tick(state, 500)[1])).toMatchObject([{ client_id: 'c1' }]);
  });

  test.each(['INVALID_FORMAT', 'MISSING_FIELD'])('%s rejects the message in flight for good, also if its id could not be read', (code) => {
    for (const clientId of ['c1', undefined]) {
      const [state] = run(receive(hello), send(), receive({ type: 'error', error: { code, recoverable: false, clientId } }));
      expect(state.outbox.entries[0]?.rejection).toEqual({ code, attempts: 1, recoverable: false });
      expect(conversation.nextDeadline(state)).toBeUndefined();
      expect(transmitted(conversation.tick(state, 1e9)[1])).toEqual([]);
    }
  });

  test('that names the session but no message is about no message in flight', () => {
    const late = receive({ type: 'error', error: { code: 'INVALID_FORMAT', recoverable: false, isOfSession: true } });
    const [state] = run(receive(hello), send(), late);
    expect(state.outbox).toMatchObject({ entries: [entry], inFlight: { clientId: 'c1' } });
    expect(state.outbox.entries[0]?.rejection).toBeUndefined();
    expect(state.notice).toBe('INVALID_FORMAT');
  });

  test('about too many questions sends the message again when an answer has ended', () => {
    const busy = receive({ type: 'error', error: { code: 'SERVICE_ERROR', recoverable: true, retryAfter: 2_000, clientId: 'c1' } });
    const end = receive({ type: 'final', run: { id: 'r', fence: 1 }, off: 0, message: stored(1, { sender: 'ai', run: 'r' }) }, 500);
    expect(transmitted(run(receive(hello), send(), busy, end)[1])).toMatchObject([{ client_id: 'c1' }]);
  });

  test('before the hello, or that the token has ended, is left to the close that follows', () => {
    expect(run(receive({ type: 'error', error: { code: 'SERVICE_ERROR', recoverable: true } }))[0].notice).toBeUndefined();
    const expired = receive({ type: 'error', error: { code: 'EXPIRED_TOKEN', recoverable: false } });
    expect(run(receive(hello), expired)[0].notice).toBeUndefined();
  });

  test('about a run is stored with its answer', () => {
    const [state] = run(receive({ type: 'error', error: { code: 'LLM_TIMEOUT', recoverable: true, run: 'r' } }));
    expect(state.transcript.failureCodes.get('r')).toBe('LLM_TIMEOUT');
  });

  test('about nothing else is shown until the next message is sent', () => {
    expect(run(receive(hello), receive({ type: 'error', error }))[0].notice).toBe('TOO_MANY_REQUESTS');
    expect(run(receive(hello), receive({ type: 'error', error }), send())[0].notice).toBeUndefined();
  });
});

describe('resuming', () => {
  test('reads the history when too much is missing', () => {
    expect(run(receive(hello), receive(caughtUp(900, false)))[1]).toEqual([{ type: 'reload' }]);
  });

  test('starts with an empty transcript when the server has fewer messages than the page', () => {
    const [state, effects] = run(loadHistory(2), receive(hello), receive(caughtUp(0)));
    expect(effects).toEqual([{ type: 'reload' }]);
    expect(state).toMatchObject({ notice: 'HISTORY_LOST', transcript: { lastSeq: 0, messages: [] } });
    const [after] = conversation.receive(state, { type: 'message', message: stored(1) }, 0);
    expect(after.transcript.messages).toHaveLength(1);
  });

  test('is requested again as long as it brings something', () => {
    const steps = [loadHistory(2), receive(hello), receive({ type: 'message', message: stored(3) }), receive(caughtUp(4))];
    expect(transmitted(run(...steps)[1])).toMatchObject([{ seq: 3, metadata: { op: 'resume' } }]);
  });

  test('reads the history when a request brought nothing', () => {
    expect(run(loadHistory(2), receive(hello), receive(caughtUp(4)))[1]).toEqual([{ type: 'reload' }]);
  });

  test('continues without messages that the history does not have either', () => {
    const [state, effects] = run(loadHistory(2), receive(hello), receive(caughtUp(4)), loadHistory(2), receive(caughtUp(4)));
    expect(effects).toEqual([]);
    expect(state).toMatchObject({ resume: undefined, gap: undefined, transcript: { lastSeq: 4 } });
  });

  test('without any frame in time reconnects, but slow progress does not', () => {
    expect(run(loadHistory(2), receive(hello), tick(10_000))[1]).toEqual([{ type: 'reconnect' }]);
    const message = receive({ type: 'message', message: stored(3) }, 9_000);
    expect(run(loadHistory(2), receive(hello), message, tick(10_000))[1]).toEqual([]);
  });

  test('ends what the server no longer writes', () => {
    const delta = receive({ type: 'delta', run: { id: 'r', fence: 1 }, off: 0, text: 'given up', at: '' });
    const loading = receive({ type: 'loading', run: { id: 'r', fence: 1 }, at: '' });
    const disconnect: StepFunction = (state) => [conversation.disconnected(state, 1006, 1), []];
    const again = [loadHistory(2), receive(hello), receive(caughtUp(2)), delta, disconnect, receive(hello)];
    expect(run(...again, receive(caughtUp(2)))[0].transcript.live).toEqual([]);
    expect(run(...again, loading, receive(caughtUp(2)))[0].transcript.live).toMatchObject([{ text: 'given up' }]);
  });

  test('is postponed when the server has no time for it', () => {
    const gap = receive({ type: 'message', message: stored(5) });
    const busy = receive({ type: 'error', error: { code: 'TOO_MANY_REQUESTS', recoverable: true, retryAfter: 2_000 } }, 100);
    const before = [loadHistory(2), receive(hello), receive(caughtUp(2)), gap, busy];
    expect(run(...before)[0].notice).toBeUndefined();
    expect(conversation.nextDeadline(run(...before)[0])).toBe(2_100);
    expect(run(...before, tick(2_000))[1]).toEqual([]);
    expect(transmitted(run(...before, tick(2_100))[1])).toMatchObject([{ seq: 2, metadata: { op: 'resume' } }]);
    expect(run(...before, tick(2_100), tick(12_100))[1]).toEqual([{ type: 'reconnect' }]);
  });

  test('is requested once at a time', () => {
    const gap = (seq: number) => receive({ type: 'message', message: stored(seq) });
    expect(transmitted(run(loadHistory(2), receive(hello), receive(caughtUp(2)), gap(5))[1])).toHaveLength(1);
    expect(run(loadHistory(2), receive(hello), receive(caughtUp(2)), gap(5), gap(7))[1]).toEqual([]);
  });
});

test('an answer is announced when it is complete, and only if it was live on this page', () => {
  const final: Frame = { type: 'final', run: { id: 'r', fence: 1 }, off: 0, message: stored(1, { sender: 'ai', text: 'done', run: 'r' }) };
  const announced = { type: 'announce', message: { ...stored(1, { sender: 'ai', text: 'done', run: 'r' }) } };
  expect(run(receive({ type: 'loading', run: { id: 'r', fence: 1 }, at: '' }), receive(final))[1]).toEqual([announced]);
  expect(run(receive(final))[1]).toEqual([]);
});

test('the connection of a new chat is probed as any other', () => {
  const probe: StepFunction = (state) => conversation.probe(state, 0);
  expect(transmitted(run(receive(hello), probe)[1])).toMatchObject([{ seq: 0, metadata: { op: 'resume' } }]);
  expect(run(receive(hello), probe, tick(10_000))[1]).toEqual([{ type: 'reconnect' }]);
  expect(run(receive(hello), probe, receive(caughtUp(0)), tick(10_000))[1]).toEqual([]);
});
