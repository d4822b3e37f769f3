/** A model of the server for tests of the conversation: it stores, answers and replays by the rules of the protocol. */

import { type Json, asCount, asObject, asString, parseObject } from '../src/core/json';
import type { Kind, Message, Position, Status } from '../src/core/wire';

const SESSION = 's1';
/** More messages than this are not replayed. The real limit is higher. */
const MAX_REPLAYED = 6;
/** Ids of the models that it offers. */
export const MODELS = ['m', 'n'];
/** A kind that no page knows. */
export const LATER = 'of_a_later_release' as Kind;

interface Run {
  id: string;
  fence: number;
  question: number;
  model: string;
  text: string;
  isCancelled: boolean;
}

export class FakeServer {
  readonly stored: Message[] = [];
  /** Frames on their way to the page. */
  queue: string[] = [];
  /** The model that was chosen. */
  chosen: string | undefined;
  private run: Run | undefined;
  private runs = 0;
  /** Numbers of the questions without an answer, the one at work included. */
  private waiting: number[] = [];

  get seq(): number {
    return this.stored.length;
  }

  get isBusy(): boolean {
    return this.waiting.length > 0;
  }

  /** Ids of the messages that hold. */
  get shown(): string[] {
    const isReplaced = (seq: number): boolean => this.stored.some(({ replaces }) => replaces === seq);
    const isNewest = ({ seq, question }: Message): boolean => !this.stored.some((other) => other.question === question && other.seq > seq);
    return this.stored
      .filter(({ kind, status, text }) => kind !== LATER && (status !== 'superseded' || text))
      .filter((message) => (message.question === undefined ? !isReplaced(message.seq) : !isReplaced(message.question) && isNewest(message)))
      .map(({ id }) => id);
  }

  /** A member of staff is there. */
  get isAssisted(): boolean {
    const last = this.stored.findLast(({ sender }) => sender === 'admin');
    return last !== undefined && last.kind !== 'admin_leave';
  }

  /** A new connection: what was on its way is lost. */
  connect(from: Position): void {
    this.queue = [];
    const models = MODELS.map((id) => ({ id, name: id.toUpperCase() }));
    this.push({ type: 'connection_status', models, metadata: { op: 'hello' } });
    if (this.seq > 0) this.replay(from);
    else this.tellModel();
  }

  receive(frame: string): void {
    const json = parseObject(frame) ?? {};
    const seq = asCount(json.seq) ?? 0;
    if (json.type === 'user_message') return this.store(asString(json.client_id) ?? '', asString(json.content) ?? '', asCount(json.replaces));
    if (json.type === 'help_request') return this.requestHelp();
    if (json.type === 'model_select') return this.chooseModel(asString(json.model_id) ?? '');
    switch (asObject(json.metadata)?.op) {
      case 'resume':
        return this.replay({ seq, run: asString(json.run), off: asCount(json.off) });
      case 'cancel':
        return this.cancel(asString(json.run));
      case 'regenerate':
        return this.refuse(this.regenerate(seq));
    }
  }

  /** A message from another device of the same user. */
  storeFromOtherDevice(content: string, replaces?: number): void {
    if (replaces !== undefined && this.obstacle(replaces)) return;
    const message = this.add({ sender: 'user', text: content, clientId: `other-${this.seq}`, status: 'complete', replaces });
    if (!this.isAssisted) this.waiting.push(message.seq);
    this.push(frameOf(message));
  }

  /** A member of staff takes the conversation over, or hands it back. The answer at work ends with what was shown of it. */
  changeStaff(): void {
    const kind = this.isAssisted ? 'admin_leave' : 'admin_join';
    if (this.run) this.finishAnswer('superseded');
    this.waiting = [];
    this.push(frameOf(this.add({ sender: 'admin', text: kind, kind, name: 'Grace', fence: ++this.runs, status: 'complete' })));
  }

  /** The member of staff says something. */
  sayAsStaff(text: string): void {
    if (this.isAssisted) this.push(frameOf(this.add({ sender: 'admin', text, name: 'Grace', status: 'complete' })));
  }

  /** The user asks for a human. */
  requestHelp(): void {
    const last = this.stored.findLast(({ sender, kind }) => sender === 'admin' || kind === 'help_request');
    const isAsked = this.isAssisted || last?.kind === 'help_request';
    if (!isAsked) this.push(frameOf(this.add({ sender: 'user', text: 'help', kind: 'help_request', status: 'complete' })));
    this.push({ type: 'connection_status', metadata: { op: 'help' } });
  }

  /** A message of a type that a later release adds. */
  storeUnknown(): void {
    this.push(frameOf(this.add({ sender: 'system', text: '', kind: LATER, status: 'complete' })));
  }

  /** Another device puts the newest question in other words. */
  replaceFromOtherDevice(content: string): void {
    const newest = this.newestQuestion();
    if (newest !== undefined) this.storeFromOtherDevice(content, newest);
  }

  chooseModel(model: string): void {
    if (!MODELS.includes(model)) return this.refuse('INVALID_FORMAT');
    this.chosen = model;
    this.tellModel();
  }

  /** Has the newest question answered once more, or says why not. `undefined`: the newest answer, whichever that is. */
  regenerate(answer = this.newestAnswer()): string | undefined {
    const question = this.newestQuestion();
    if (this.isBusy) return 'SERVICE_ERROR';
    if (question === undefined || answer === undefined || answer !== this.newestAnswer()) return 'INVALID_FORMAT';
    this.waiting.push(question);
    return undefined;
  }

  /** The final frame follows when the run ends. */
  cancel(run?: string): void {
    const isMeant = this.run && (run === undefined || run === this.run.id);
    if (this.run && isMeant) this.run.isCancelled = true;
    this.push({ type: 'connection_status', ...(isMeant && { run: this.run?.id }), metadata: { op: 'cancel' } });
  }

  startAnswer(): void {
    const [question] = this.waiting;
    if (this.run || question === undefined) return;
    this.run = this.newRun(question);
    this.push(loadingFrame(this.run));
  }

  /** The process of the run is gone without a trace in the store, and another one begins anew. One of its frames is late. */
  restartAnswer(): void {
    if (!this.run) return;
    const late = deltaFrame(this.run, 0, `${this.run.text}late`);
    this.run = this.newRun(this.run.question);
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
    const { id, text, question, model, isCancelled } = this.run;
    this.run = undefined;
    this.waiting.shift();
    const end = isCancelled && status !== 'superseded' ? 'cancelled' : status;
    const stored = this.add({ sender: 'ai', text: text.slice(0, storedLength), run: id, status: end, question, model });
    this.push({ ...answerFrame(stored), off: stored.text.length, content: '' });
  }

  private store(clientId: string, content: string, replaces: number | undefined): void {
    const known = this.stored.find((message) => message.clientId === clientId);
    const code = !known && replaces !== undefined && this.obstacle(replaces);
    if (code) return this.push(errorFrame(code, clientId));
    const { id, seq } = known ?? this.add({ sender: 'user', text: content, clientId, status: 'complete', replaces });
    if (!known && !this.isAssisted) this.waiting.push(seq);
    this.push({ type: 'connection_status', id, seq, client_id: clientId, metadata: { op: 'ack' } });
  }

  /** Why this question may not be replaced. */
  private obstacle(replaces: number): string | undefined {
    if (this.isBusy) return 'SERVICE_ERROR';
    return replaces === this.newestQuestion() ? undefined : 'INVALID_FORMAT';
  }

  /** What was said before a member of staff came or went, or to one, is no question to a model. */
  newestQuestion(): number | undefined {
    const newest = this.stored.findLast(({ sender, kind }) => sender === 'admin' || (sender === 'user' && !kind));
    return !this.isAssisted && newest?.sender === 'user' ? newest.seq : undefined;
  }

  private newestAnswer(): number | undefined {
    const asked = this.newestQuestion();
    return this.stored.findLast(({ question }) => question !== undefined && question === asked)?.seq;
  }

  private refuse(code: string | undefined): void {
    if (code) this.push(errorFrame(code));
  }

  private tellModel(): void {
    if (this.chosen !== undefined) this.push({ type: 'connection_status', model_id: this.chosen, metadata: { op: 'model' } });
  }

  private replay({ seq, run, off = 0 }: Position): void {
    this.tellModel();
    const missing = this.stored.slice(seq);
    const recovered = missing.length <= MAX_REPLAYED;
    if (recovered) missing.forEach((message) => this.push(frameOf(message)));
    if (this.run) {
      const from = this.run.id === run ? off : 0;
      this.push(loadingFrame(this.run));
      this.push(deltaFrame(this.run, from, this.run.text.slice(from)));
    }
    this.push({ type: 'connection_status', seq: this.seq, metadata: { op: 'caught_up', recovered: String(recovered) } });
  }

  private newRun(question: number): Run {
    const model = this.chosen ?? MODELS[0] ?? '';
    return { id: `r${++this.runs}`, fence: this.runs, text: '', question, model, isCancelled: false };
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

function frameOf(message: Message): Json {
  const { id, seq, sender, clientId, replaces, kind, fence, name, text: content } = message;
  if (sender === 'ai') return answerFrame(message);
  const type = kind ?? 'user_message';
  return { type, id, seq, client_id: clientId, content, replaces, fence, sender, metadata: name && { admin_name: name } };
}

function answerFrame({ id, seq, run, status, question, model, text: content }: Message): Json {
  const ids = { id, seq, run, fence: Number(run?.slice(1)), question, model_id: model };
  return { type: 'ai_response', ...ids, status, off: 0, content, metadata: { streaming: 'true', done: 'true' } };
}

function loadingFrame({ id, fence, question }: Run): Json {
  return { type: 'loading', run: id, fence, question };
}

function deltaFrame({ id, fence, model }: Run, off: number, content: string): Json {
  return { type: 'ai_response', run: id, fence, model_id: model, off, content, metadata: { streaming: 'true', done: 'false' } };
}

function errorFrame(code: string, clientId?: string): Json {
  return { type: 'error', client_id: clientId, error: { code, message: code, recoverable: code === 'SERVICE_ERROR', retry_after: 2_000 } };
}
