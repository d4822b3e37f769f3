import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as conversation from '../src/core/conversation';
import { assistedBy, current } from '../src/core/current';
import { isSendable } from '../src/core/outbox';
import * as requests from '../src/core/requests';
import { rows } from '../src/core/rows';
import { position } from '../src/core/transcript';
import { type Message, parseFrame } from '../src/core/wire';
import { FakeServer, LATER, MODELS } from './fake-server';

/** What may happen next: on the server, by the user, to a frame on its way, or to the connection. */
type Event =
  | { type: 'message from other device'; text: string }
  | { type: 'start answer' }
  | { type: 'restart answer' }
  | { type: 'stream'; text: string; overlap: number }
  | { type: 'finish answer'; storedLength: number }
  | { type: 'send'; text: string }
  | { type: 'edit'; text: string }
  | { type: 'stop' }
  | { type: 'regenerate' }
  | { type: 'choose model'; model: string }
  | { type: 'other device'; does: 'edit' | 'stop' | 'regenerate' | 'choose model' | 'ask for help' }
  | { type: 'staff'; does: 'change' | 'say' }
  | { type: 'ask for help' }
  | { type: 'unknown message' }
  | { type: 'deliver' }
  | { type: 'deliver twice' }
  | { type: 'lose frame' }
  | { type: 'lose requests' }
  | { type: 'reconnect' }
  | { type: 'time-out' };

/** Far more than the many runs take where nothing else is running. */
const ON_BUSY_MACHINES_MS = 60_000;

const anyText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('message from other device' as const), text: anyText }) },
  { weight: 3, arbitrary: fc.constant({ type: 'start answer' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart answer' as const }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('stream' as const), text: anyText, overlap: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('finish answer' as const), storedLength: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('send' as const), text: anyText }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('edit' as const), text: anyText }) },
  { weight: 2, arbitrary: fc.constant({ type: 'stop' as const }) },
  { weight: 3, arbitrary: fc.constant({ type: 'regenerate' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('choose model' as const), model: fc.constantFrom(...MODELS, 'gone') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('other device' as const),
      does: fc.constantFrom('edit' as const, 'stop' as const, 'regenerate' as const, 'choose model' as const, 'ask for help' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('staff' as const), does: fc.constantFrom('change' as const, 'say' as const) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'ask for help' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'unknown message' as const }) },
  { weight: 14, arbitrary: fc.constant({ type: 'deliver' as const }) },
  { weight: 3, arbitrary: fc.constant({ type: 'deliver twice' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'lose frame' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'lose requests' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reconnect' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'time-out' as const }) },
);

class Page {
  state = conversation.start('s1', []);
  /** Messages by `clientId`. */
  readonly sent = new Map<string, string>();
  readonly persisted = new Set<string>();
  readonly announced: string[] = [];
  /** The person has asked for a human. */
  hasAsked = false;
  private now = 0;
  /** Frames from the page get lost until the next connection, while frames to it arrive. */
  private losesRequests = false;

  constructor(private readonly server: FakeServer) {
    this.connect();
  }

  apply(event: Event): void {
    switch (event.type) {
      case 'message from other device':
        return this.server.storeFromOtherDevice(event.text);
      case 'start answer':
        return this.server.startAnswer();
      case 'restart answer':
        return this.server.restartAnswer();
      case 'stream':
        return this.server.stream(event.text, event.overlap);
      case 'finish answer': {
        const isInterrupted = event.storedLength < 30;
        return this.server.finishAnswer(isInterrupted ? 'interrupted' : 'complete', isInterrupted ? event.storedLength : Infinity);
      }
      case 'send':
        return this.send(event.text);
      case 'edit': {
        const { question, isAtRest } = current(this.state.transcript, this.state.outbox);
        return question && isAtRest ? this.send(event.text, question.seq) : undefined;
      }
      case 'stop':
        return this.take(requests.stop(this.state, this.now));
      case 'regenerate': {
        const { answer } = current(this.state.transcript, this.state.outbox);
        return answer && this.take(requests.regenerate(this.state, answer.seq, this.now));
      }
      case 'choose model':
        return this.take(requests.chooseModel(this.state, event.model, this.now));
      case 'other device':
        return this.onOtherDevice(event.does);
      case 'staff':
        return event.does === 'change' ? this.server.changeStaff() : this.server.sayAsStaff('Hello');
      case 'ask for help':
        this.hasAsked = true;
        return this.take(requests.requestHelp(this.state, this.now));
      case 'unknown message':
        return this.server.storeUnknown();
      case 'deliver':
        return this.receive(this.server.queue.shift());
      case 'deliver twice':
        this.receive(this.server.queue[0]);
        return this.receive(this.server.queue.shift());
      case 'lose frame':
        this.server.queue.shift();
        return;
      case 'lose requests':
        this.losesRequests = true;
        return;
      case 'reconnect':
        return this.connect();
      case 'time-out':
        return this.timeOut();
    }
  }

  /** Runs without further faults until nothing is left to do. */
  settle(): void {
    this.connect();
    for (let steps = 0; steps < 1000 && (this.server.queue.length > 0 || this.server.isBusy || this.isBusy()); steps++) {
      if (this.server.queue.length > 0) this.receive(this.server.queue.shift());
      else if (this.server.isBusy) this.letAnswer();
      else this.timeOut();
    }
  }

  private isBusy(): boolean {
    const { resume, outbox, requests } = this.state;
    return resume !== undefined || requests.length > 0 || outbox.entries.some(isSendable);
  }

  private letAnswer(): void {
    this.server.startAnswer();
    this.server.stream('an answer');
    this.server.finishAnswer('complete');
  }

  private onOtherDevice(does: (Event & { type: 'other device' })['does']): void {
    switch (does) {
      case 'edit':
        return this.server.replaceFromOtherDevice('in other words');
      case 'stop':
        return this.server.cancel();
      case 'regenerate':
        return void this.server.regenerate();
      case 'choose model':
        return this.server.chooseModel('n');
      case 'ask for help':
        return this.server.requestHelp();
    }
  }

  private connect(): void {
    this.losesRequests = false;
    this.state = conversation.disconnected(this.state, 1006, this.now);
    this.server.connect(position(this.state.transcript));
  }

  private send(content: string, replaces?: number): void {
    const clientId = `c${this.sent.size}`;
    this.sent.set(clientId, content);
    const entry = { clientId, session: 's1', content, at: '', order: this.sent.size, replaces };
    this.take(conversation.send(this.state, entry, this.now));
  }

  private receive(source: string | undefined): void {
    const frame = source && parseFrame(source, 's1');
    if (frame) this.take(conversation.receive(this.state, frame, this.now));
  }

  private timeOut(): void {
    this.now += 10_000;
    this.take(conversation.tick(this.state, this.now));
  }

  private take([state, effects]: conversation.Step): void {
    this.state = state;
    for (const effect of effects) this.perform(effect);
  }

  private perform(effect: conversation.Effect): void {
    switch (effect.type) {
      case 'transmit':
        if (!this.losesRequests) this.server.receive(effect.frame);
        return;
      case 'reload':
        return this.take(conversation.historyLoaded(this.state, this.server.stored.filter(isKnown), this.server.seq, this.now));
      case 'reconnect':
        return this.connect();
      case 'persist':
        this.persisted.add(effect.entry.clientId);
        return;
      case 'forget':
        this.persisted.delete(effect.clientId);
        return;
      case 'announce':
        this.announced.push(effect.message.id);
    }
  }
}

/** What the history of the server is parsed to. */
function isKnown({ kind }: Message): boolean {
  return kind !== LATER;
}

test('after lost, repeated and overlapping frames and reconnects the page shows what the server stored, each message once', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120, size: 'max' }), (events) => {
      const server = new FakeServer();
      const page = new Page(server);
      for (const next of events) page.apply(next);
      page.settle();

      const { transcript, outbox } = page.state;
      const shape = ({ seq, id, sender, text, status, question, replaces, model, kind, name }: Message) =>
        [seq, id, sender, text, status, question, replaces, model, kind, name];
      expect(transcript.messages.map(shape)).toEqual(server.stored.filter(isKnown).map(shape));
      expect(transcript.live).toEqual([]);
      expect(transcript.lastSeq).toBe(server.seq);
      // Only a replacement may be rejected, where something newer came before it.
      const rejected = outbox.entries.map(({ clientId }) => clientId);
      expect(outbox.entries.every(({ replaces, rejection }) => replaces !== undefined && rejection?.code === 'INVALID_FORMAT')).toBe(true);
      expect([...page.persisted]).toEqual(rejected);
      const own = server.stored.filter((message) => message.clientId?.startsWith('c'));
      const accepted = [...page.sent].filter(([clientId]) => !rejected.includes(clientId));
      expect(own.map((message) => message.text)).toEqual(accepted.map(([, text]) => text));
      const list = rows(page.state, () => '');
      const shown = list.flatMap((row) => (row.kind === 'question' || row.kind === 'answer' || row.kind === 'system' ? [row.message.id] : []));
      expect(shown).toEqual(server.shown);
      expect(list.filter((row) => row.kind === 'answer' && row.again)).toHaveLength(server.newestQuestion() === undefined ? 0 : 1);
      expect(assistedBy(transcript)).toBe(server.isAssisted ? 'Grace' : undefined);
      expect(page.state.requests).toEqual([]);
      if (page.hasAsked) expect(server.stored.some(({ kind }) => kind === 'help_request' || kind === 'admin_join')).toBe(true);
      expect(requests.answeringModel(page.state, MODELS.map((id) => ({ id, name: id })))?.id).toBe(server.chosen ?? MODELS[0]);
      expect(new Set(page.announced).size).toBe(page.announced.length);
    }),
    { numRuns: 1000 },
  );
}, ON_BUSY_MACHINES_MS);

test('without faults every delta shows at once and nothing is requested again', () => {
  const answer = fc.array(anyText, { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 5 }), (answers) => {
      const server = new FakeServer();
      const page = new Page(server);
      const deliverAll = (): void => {
        while (server.queue.length > 0) page.apply({ type: 'deliver' });
      };
      for (const [index, deltas] of answers.entries()) {
        page.apply({ type: 'send', text: `question ${index}` });
        deliverAll();
        server.startAnswer();
        let text = '';
        for (const delta of deltas) {
          server.stream(delta);
          text += delta;
          deliverAll();
          expect(page.state.transcript.live[0]?.text).toBe(text);
        }
        server.finishAnswer('complete');
        deliverAll();
      }
      expect(page.state.transcript.messages).toHaveLength(answers.length * 2);
      expect(page.announced).toHaveLength(answers.length);
      expect(page.state.resume).toBeUndefined();
    }),
  );
});
