import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as conversation from '../src/core/conversation';
import { position } from '../src/core/transcript';
import { parseFrame } from '../src/core/wire';
import { Server } from './server';

/** What may happen next: to the server, to the person, to a frame on its way, or to the line. */
type Event =
  | { do: 'overhear'; text: string }
  | { do: 'begin' }
  | { do: 'say'; text: string; back: number }
  | { do: 'end'; kept: number }
  | { do: 'ask'; text: string }
  | { do: 'deliver' }
  | { do: 'deliver twice' }
  | { do: 'lose' }
  | { do: 'deafen' }
  | { do: 'cut' }
  | { do: 'wait' };

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('overhear' as const), text: words }) },
  { weight: 3, arbitrary: fc.constant({ do: 'begin' as const }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), text: words, back: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), kept: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), text: words }) },
  { weight: 12, arbitrary: fc.constant({ do: 'deliver' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'deliver twice' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'lose' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'deafen' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'cut' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
);

class Page {
  state = conversation.start('s1', []);
  readonly asked: string[] = [];
  readonly kept = new Set<string>();
  readonly seen: string[] = [];
  private now = 0;
  /** What the page sends gets lost, while what it hears does not. */
  private mute = false;

  constructor(private readonly server: Server) {
    this.connect();
  }

  apply(event: Event): void {
    switch (event.do) {
      case 'overhear':
        return this.server.overhear(event.text);
      case 'begin':
        return this.server.begin();
      case 'say':
        return this.server.say(event.text, event.back);
      case 'end':
        return this.server.end(event.kept < 30 ? 'interrupted' : 'complete', event.kept < 30 ? event.kept : Infinity);
      case 'ask':
        return this.ask(event.text);
      case 'deliver':
        return this.hear(this.server.queue.shift());
      case 'deliver twice':
        this.hear(this.server.queue[0]);
        return this.hear(this.server.queue.shift());
      case 'lose':
        this.server.queue.shift();
        return;
      case 'deafen':
        this.mute = true;
        return;
      case 'cut':
        return this.connect();
      case 'wait':
        return this.wait();
    }
  }

  /** No more faults: everything comes to rest. */
  rest(): void {
    this.connect();
    for (let turns = 0; turns < 1000 && (this.server.queue.length > 0 || this.busy()); turns++) {
      if (this.server.queue.length > 0) this.hear(this.server.queue.shift());
      else this.wait();
    }
  }

  private busy(): boolean {
    return this.state.asking !== undefined || this.state.outbox.entries.length > 0;
  }

  private connect(): void {
    this.mute = false;
    this.state = conversation.lost(this.state, 1006, this.now);
    this.server.greet(position(this.state.transcript));
  }

  private ask(content: string): void {
    const clientId = `c${this.asked.length}`;
    this.asked.push(content);
    this.take(conversation.send(this.state, { clientId, session: 's1', content, at: '' }, this.now));
  }

  private hear(source: string | undefined): void {
    const frame = source && parseFrame(source, 's1');
    if (frame) this.take(conversation.receive(this.state, frame, this.now));
  }

  private wait(): void {
    this.now += 10_000;
    this.take(conversation.tick(this.state, this.now));
  }

  private take([state, effects]: conversation.Step): void {
    this.state = state;
    for (const effect of effects) this.perform(effect);
  }

  private perform(effect: conversation.Effect): void {
    switch (effect.do) {
      case 'transmit':
        if (!this.mute) this.server.receive(effect.frame);
        return;
      case 'reload':
        return this.take(conversation.loaded(this.state, [...this.server.stored], this.server.seq, this.now));
      case 'reconnect':
        return this.connect();
      case 'keep':
        this.kept.add(effect.entry.clientId);
        return;
      case 'forget':
        this.kept.delete(effect.clientId);
        return;
      case 'announce':
        this.seen.push(effect.message.id);
    }
  }
}

test('any cut, loss, repetition or overlap ends in what the server stored, with nothing lost or doubled', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120, size: 'max' }), (events) => {
      const server = new Server();
      const page = new Page(server);
      for (const next of events) page.apply(next);
      server.end('complete');
      page.rest();

      const { transcript, outbox } = page.state;
      const shape = ({ seq, id, sender, text, status }: (typeof server.stored)[number]) => [seq, id, sender, text, status];
      expect(transcript.messages.map(shape)).toEqual(server.stored.map(shape));
      expect(transcript.live).toEqual([]);
      expect(transcript.last).toBe(server.seq);
      expect(outbox.entries).toEqual([]);
      expect([...page.kept]).toEqual([]);
      const own = server.stored.filter((message) => message.clientId?.startsWith('c'));
      expect(own.map((message) => message.text)).toEqual(page.asked);
      expect(new Set(page.seen).size).toBe(page.seen.length);
    }),
    { numRuns: 1000 },
  );
});

test('while nothing goes wrong, nothing is asked twice and every word shows at once', () => {
  const answer = fc.array(words, { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 5 }), (answers) => {
      const server = new Server();
      const page = new Page(server);
      for (const [index, pieces] of answers.entries()) {
        page.apply({ do: 'ask', text: `question ${index}` });
        server.begin();
        let whole = '';
        for (const piece of pieces) {
          server.say(piece);
          whole += piece;
          while (server.queue.length > 0) page.apply({ do: 'deliver' });
          expect(page.state.transcript.live[0]?.text).toBe(whole);
        }
        server.end('complete');
        while (server.queue.length > 0) page.apply({ do: 'deliver' });
      }
      expect(page.state.transcript.messages).toHaveLength(answers.length * 2);
      expect(page.seen).toHaveLength(answers.length);
      expect(page.state.asking).toBeUndefined();
    }),
  );
});
