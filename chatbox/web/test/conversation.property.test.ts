import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as conversation from '../src/core/conversation';
import { position } from '../src/core/transcript';
import { parseFrame } from '../src/core/wire';
import { FakeServer } from './fake-server';

/** What may happen next: on the server, by the user, to a frame on its way, or to the connection. */
type Event =
  | { type: 'message from other device'; text: string }
  | { type: 'start answer' }
  | { type: 'restart answer' }
  | { type: 'stream'; text: string; overlap: number }
  | { type: 'finish answer'; storedLength: number }
  | { type: 'send'; text: string }
  | { type: 'deliver' }
  | { type: 'deliver twice' }
  | { type: 'lose frame' }
  | { type: 'lose requests' }
  | { type: 'reconnect' }
  | { type: 'time-out' };

const anyText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('message from other device' as const), text: anyText }) },
  { weight: 3, arbitrary: fc.constant({ type: 'start answer' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart answer' as const }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('stream' as const), text: anyText, overlap: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('finish answer' as const), storedLength: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('send' as const), text: anyText }) },
  { weight: 12, arbitrary: fc.constant({ type: 'deliver' as const }) },
  { weight: 3, arbitrary: fc.constant({ type: 'deliver twice' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'lose frame' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'lose requests' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reconnect' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'time-out' as const }) },
);

class Page {
  state = conversation.start('s1', []);
  readonly sent: string[] = [];
  readonly persisted = new Set<string>();
  readonly announced: string[] = [];
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
    for (let steps = 0; steps < 1000 && (this.server.queue.length > 0 || this.isBusy()); steps++) {
      if (this.server.queue.length > 0) this.receive(this.server.queue.shift());
      else this.timeOut();
    }
  }

  private isBusy(): boolean {
    return this.state.resume !== undefined || this.state.outbox.entries.length > 0;
  }

  private connect(): void {
    this.losesRequests = false;
    this.state = conversation.disconnected(this.state, 1006, this.now);
    this.server.connect(position(this.state.transcript));
  }

  private send(content: string): void {
    const clientId = `c${this.sent.length}`;
    this.sent.push(content);
    this.take(conversation.send(this.state, { clientId, session: 's1', content, at: '', order: this.sent.length }, this.now));
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
        return this.take(conversation.historyLoaded(this.state, [...this.server.stored], this.server.seq, this.now));
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

test('after lost, repeated and overlapping frames and reconnects the page shows what the server stored, each message once', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120, size: 'max' }), (events) => {
      const server = new FakeServer();
      const page = new Page(server);
      for (const next of events) page.apply(next);
      server.finishAnswer('complete');
      page.settle();

      const { transcript, outbox } = page.state;
      const shape = ({ seq, id, sender, text, status }: (typeof server.stored)[number]) => [seq, id, sender, text, status];
      expect(transcript.messages.map(shape)).toEqual(server.stored.map(shape));
      expect(transcript.live).toEqual([]);
      expect(transcript.lastSeq).toBe(server.seq);
      expect(outbox.entries).toEqual([]);
      expect([...page.persisted]).toEqual([]);
      const own = server.stored.filter((message) => message.clientId?.startsWith('c'));
      expect(own.map((message) => message.text)).toEqual(page.sent);
      expect(new Set(page.announced).size).toBe(page.announced.length);
    }),
    { numRuns: 1000 },
  );
});

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
