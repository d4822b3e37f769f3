/** A server in one value, for tests of the conversation: it stores, answers and replays by the rules of the wire. */

import { type Json, count, parse, text } from '../src/core/json';
import type { Message, Position, Status } from '../src/core/wire';

const SESSION = 's1';
/** More than this is not replayed, as in the real one, only sooner. */
const MOST_REPLAYED = 6;

export class Server {
  readonly stored: Message[] = [];
  /** Frames on their way to the page. */
  queue: string[] = [];
  private run: { id: string; text: string } | undefined;
  private runs = 0;

  get seq(): number {
    return this.stored.length;
  }

  greet(from: Position): void {
    this.queue = [];
    this.push({ type: 'connection_status', models: [{ id: 'm', name: 'Mo' }], metadata: { op: 'hello' } });
    if (this.seq > 0) this.replay(from);
  }

  receive(frame: string): void {
    const json = parse(frame) ?? {};
    if (json.type === 'user_message') return this.store(text(json.client_id) ?? '', text(json.content) ?? '');
    this.replay({ seq: count(json.seq) ?? 0, run: text(json.run), off: count(json.off) });
  }

  /** A message from another device of the same person. */
  overhear(content: string): void {
    const message = this.add({ sender: 'user', text: content, clientId: `other-${this.seq}`, status: 'complete' });
    this.push(asUser(message));
  }

  begin(): void {
    if (this.run) return;
    this.run = { id: `r${++this.runs}`, text: '' };
    this.push({ type: 'loading', run: this.run.id });
  }

  /** Some more of the answer. `back` repeats that many units before it, as a merged delta does. */
  say(words: string, back = 0): void {
    if (!this.run) return;
    const off = Math.max(0, this.run.text.length - back);
    this.run.text += words;
    this.push(delta(this.run.id, off, this.run.text.slice(off)));
  }

  /** The end; an interrupted answer was stored with less than what was sent. */
  end(status: Status, kept = Infinity): void {
    if (!this.run) return;
    const { id, text: whole } = this.run;
    this.run = undefined;
    const stored = this.add({ sender: 'ai', text: whole.slice(0, kept), run: id, status });
    this.push({ ...asAnswer(stored), off: stored.text.length, content: '' });
  }

  private store(clientId: string, content: string): void {
    const known = this.stored.find((message) => message.clientId === clientId);
    const { id, seq } = known ?? this.add({ sender: 'user', text: content, clientId, status: 'complete' });
    this.push({ type: 'connection_status', id, seq, client_id: clientId, metadata: { op: 'ack' } });
  }

  private replay({ seq, run, off = 0 }: Position): void {
    const missing = this.stored.slice(seq);
    const recovered = missing.length <= MOST_REPLAYED;
    if (recovered) for (const message of missing) this.push(message.sender === 'user' ? asUser(message) : asAnswer(message));
    if (this.run) {
      const from = this.run.id === run ? off : 0;
      this.push({ type: 'loading', run: this.run.id });
      this.push(delta(this.run.id, from, this.run.text.slice(from)));
    }
    this.push({ type: 'connection_status', seq: this.seq, metadata: { op: 'caught_up', recovered: String(recovered) } });
  }

  private add(message: Omit<Message, 'id' | 'seq' | 'at'>): Message {
    const stored = { ...message, seq: this.seq + 1, id: `m${this.seq + 1}`, at: '' };
    this.stored.push(stored);
    return stored;
  }

  private push(frame: Json): void {
    this.queue.push(JSON.stringify({ session_id: SESSION, ...frame }));
  }
}

function asUser({ id, seq, clientId, text: content }: Message): Json {
  return { type: 'user_message', id, seq, client_id: clientId, content, sender: 'user' };
}

function asAnswer({ id, seq, run, status, text: content }: Message): Json {
  return { type: 'ai_response', id, seq, run, status, off: 0, content, metadata: { streaming: 'true', done: 'true' } };
}

function delta(run: string, off: number, content: string): Json {
  return { type: 'ai_response', run, off, content, metadata: { streaming: 'true', done: 'false' } };
}
