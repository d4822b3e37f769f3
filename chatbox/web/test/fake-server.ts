/** A model of the server for tests of the conversation: it stores, answers and replays by the rules of the protocol. */

import { type Json, asCount, asString, parseObject } from '../src/core/json';
import type { Message, Position, Status } from '../src/core/wire';

const SESSION = 's1';
/** More messages than this are not replayed. The real limit is higher. */
const MAX_REPLAYED = 6;

export class FakeServer {
  readonly stored: Message[] = [];
  /** Frames on their way to the page. */
  queue: string[] = [];
  private run: { id: string; fence: number; text: string } | undefined;
  private runs = 0;

  get seq(): number {
    return this.stored.length;
  }

  /** A new connection: what was on its way is lost. */
  connect(from: Position): void {
    this.queue = [];
    this.push({ type: 'connection_status', models: [{ id: 'm', name: 'Mo' }], metadata: { op: 'hello' } });
    if (this.seq > 0) this.replay(from);
  }

  receive(frame: string): void {
    const json = parseObject(frame) ?? {};
    if (json.type === 'user_message') return this.store(asString(json.client_id) ?? '', asString(json.content) ?? '');
    this.replay({ seq: asCount(json.seq) ?? 0, run: asString(json.run), off: asCount(json.off) });
  }

  /** A message from another device of the same user. */
  storeFromOtherDevice(content: string): void {
    const message = this.add({ sender: 'user', text: content, clientId: `other-${this.seq}`, status: 'complete' });
    this.push(userFrame(message));
  }

  startAnswer(): void {
    if (this.run) return;
    this.run = this.newRun();
    this.push(loadingFrame(this.run));
  }

  /** The process of the run is gone without a trace in the store, and another one begins anew. One of its frames is late. */
  restartAnswer(): void {
    if (!this.run) return;
    const late = deltaFrame(this.run, 0, `${this.run.text}late`);
    this.run = this.newRun();
    this.push(loadingFrame(this.run));
    this.push(late);
  }

  /** More of the answer. The delta starts `overlap` units before its end, as merged deltas do. */
  stream(text: string, overlap = 0): void {
    if (!this.run) return;
    const off = Math.max(0, this.run.text.length - overlap);
    this.run.text += text;
    this.push(deltaFrame(this.run, off, this.run.text.slice(off)));
  }

  /** The end of the answer. An interrupted answer may be stored with less text than was streamed. */
  finishAnswer(status: Status, storedLength = Infinity): void {
    if (!this.run) return;
    const { id, text } = this.run;
    this.run = undefined;
    const stored = this.add({ sender: 'ai', text: text.slice(0, storedLength), run: id, status });
    this.push({ ...answerFrame(stored), off: stored.text.length, content: '' });
  }

  private store(clientId: string, content: string): void {
    const known = this.stored.find((message) => message.clientId === clientId);
    const { id, seq } = known ?? this.add({ sender: 'user', text: content, clientId, status: 'complete' });
    this.push({ type: 'connection_status', id, seq, client_id: clientId, metadata: { op: 'ack' } });
  }

  private replay({ seq, run, off = 0 }: Position): void {
    const missing = this.stored.slice(seq);
    const recovered = missing.length <= MAX_REPLAYED;
    if (recovered) missing.forEach((message) => this.push(message.sender === 'user' ? userFrame(message) : answerFrame(message)));
    if (this.run) {
      const from = this.run.id === run ? off : 0;
      this.push(loadingFrame(this.run));
      this.push(deltaFrame(this.run, from, this.run.text.slice(from)));
    }
    this.push({ type: 'connection_status', seq: this.seq, metadata: { op: 'caught_up', recovered: String(recovered) } });
  }

  private newRun() {
    return { id: `r${++this.runs}`, fence: this.runs, text: '' };
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

function userFrame({ id, seq, clientId, text: content }: Message): Json {
  return { type: 'user_message', id, seq, client_id: clientId, content, sender: 'user' };
}

function answerFrame({ id, seq, run, status, text: content }: Message): Json {
  return { type: 'ai_response', id, seq, run, fence: Number(run?.slice(1)), status, off: 0, content, metadata: { streaming: 'true', done: 'true' } };
}

function loadingFrame({ id, fence }: { id: string; fence: number }): Json {
  return { type: 'loading', run: id, fence };
}

function deltaFrame({ id, fence }: { id: string; fence: number }, off: number, content: string): Json {
  return { type: 'ai_response', run: id, fence, off, content, metadata: { streaming: 'true', done: 'false' } };
}
