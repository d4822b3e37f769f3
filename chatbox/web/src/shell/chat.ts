/** Carries out what the core decides: keeps one conversation connected, and tells the view what changed. */

import { type Address, showAddress, socketAddress } from '../core/address';
import * as conversation from '../core/conversation';
import { newestActive, parseHistory } from '../core/history';
import { isFull } from '../core/outbox';
import { decide, FRESH, type Policy, postpone, type Retry } from '../core/reconnect';
import { position } from '../core/transcript';
import { MAX_CONTENT, type Message, parseFrame } from '../core/wire';
import type { Stop } from '../core/words';
import type { Http, Refused } from './http';
import type { Identity } from './identity';
import { type Line, openLine } from './line';
import type { Keep } from './storage';
import { uuid } from './uuid';

export interface State {
  link: 'connecting' | 'connected' | 'reconnecting' | 'offline' | 'stopped';
  stop?: Stop | undefined;
  /** What there was before is on the screen. */
  loaded: boolean;
  assistant?: string | undefined;
  conversation: conversation.Conversation;
  /** The answer that was finished last. */
  finished?: Message | undefined;
}

const BAD_TOKEN = 4500;
const NO_CLOSE_FRAME = 1006;

export class Chat {
  private current: State;
  private policy: Policy = FRESH;
  private renew = false;
  /** The chat is chosen; until then it may still become the newest one there is. */
  private pinned: boolean;
  /** The chat was begun here, so there is no history to read. */
  private begun: boolean;
  /** Counts connections, so that what comes late from an older one is ignored. */
  private round = 0;
  private line: Line | undefined;
  private greetedAt: number | undefined;
  private pause: ReturnType<typeof setTimeout> | undefined;
  private alarm: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly address: Address,
    private readonly http: Http,
    private readonly identity: Identity,
    private readonly keep: Keep,
    private readonly changed: () => void,
  ) {
    this.pinned = address.session !== undefined || address.fresh;
    this.begun = address.session === undefined;
    this.current = { link: 'connecting', loaded: false, conversation: this.begin(address.session ?? uuid()) };
    if (address.fresh) this.pin('replace');
  }

  get state(): State {
    return this.current;
  }

  start(): void {
    void this.connect();
  }

  /** Sends what was written; `false` when it stays with the writer. */
  send(text: string): boolean {
    const content = text.trim();
    if (!content || content.length > MAX_CONTENT || this.current.stop) return false;
    if (isFull(this.current.conversation.outbox)) {
      this.update({ conversation: { ...this.current.conversation, notice: 'OUTBOX_FULL' } });
      return false;
    }
    if (!this.pinned) this.pin('replace');
    const { session } = this.current.conversation;
    const entry = { clientId: uuid(), session, content, at: new Date().toISOString() };
    this.take(conversation.send(this.current.conversation, entry, Date.now()));
    return true;
  }

  sendAgain(clientId: string): void {
    this.take(conversation.retry(this.current.conversation, clientId, Date.now()));
  }

  discard(clientId: string): void {
    this.take(conversation.remove(this.current.conversation, clientId, Date.now()));
  }

  newChat(): void {
    this.open(uuid());
    this.begun = true;
    this.update({ loaded: true });
    this.pin('push');
    this.reconnect();
  }

  /** The reader went back or forth to another chat. */
  show(session: string | undefined): void {
    if (!session || session === this.current.conversation.session) return;
    this.open(session);
    this.reconnect();
  }

  /** The network changed, or the reader came back: what waits need not wait longer, and what is open may be dead. */
  wake(): void {
    if (this.current.link === 'connected') this.take(conversation.probe(this.current.conversation, Date.now()));
    else if (this.pause !== undefined) void this.connect();
  }

  private begin(session: string): conversation.Conversation {
    return conversation.start(session, this.keep.unsent(session, Date.now()));
  }

  private open(session: string): void {
    this.begun = false;
    this.update({ conversation: this.begin(session), loaded: false, finished: undefined });
  }

  private reconnect(): void {
    if (!this.current.stop) void this.connect();
  }

  private pin(how: 'push' | 'replace'): void {
    this.pinned = true;
    const url = showAddress(new URL(location.href), this.current.conversation.session);
    if (how === 'push') history.pushState(null, '', url);
    else history.replaceState(null, '', url);
  }

  private async connect(): Promise<void> {
    const round = ++this.round;
    this.hangUp();
    if (this.current.link === 'connected') this.update({ link: 'connecting' });
    const proof = await this.identity.prove(this.renew);
    if (round !== this.round) return;
    if ('stop' in proof) return this.stop(proof.stop);
    if ('retryAfterMs' in proof) return this.wait(postpone(this.policy, Math.random(), proof.retryAfterMs));
    this.renew = false;
    if (proof.changed) this.startOver();
    const refused = this.current.loaded ? undefined : await this.load(proof.token, round);
    if (round !== this.round) return;
    if (refused) return this.postponed(refused);
    this.listen(proof.token, round);
  }

  /** Chooses the chat and reads what there is of it. Gives back what was refused. */
  private async load(token: string, round: number): Promise<Refused | undefined> {
    if (!this.pinned) {
      const reply = await this.http.sessions(token);
      if (!reply.ok) return reply;
      const newest = newestActive(reply.json);
      if (round !== this.round) return undefined;
      if (!this.pinned) {
        if (newest) this.open(newest);
        this.pin('replace');
      }
    }
    if (!this.begun) return this.read(token, round);
    this.update({ loaded: true });
    return undefined;
  }

  private async read(token: string, round: number): Promise<Refused | undefined> {
    const reply = await this.http.session(this.current.conversation.session, token);
    if (round !== this.round) return undefined;
    if (!reply.ok && reply.status !== 404) return reply;
    const { messages, seq } = parseHistory(reply.ok ? reply.json : undefined);
    this.update({ loaded: true });
    this.take(conversation.loaded(this.current.conversation, messages, seq, Date.now()));
    return undefined;
  }

  private listen(token: string, round: number): void {
    const { session, transcript } = this.current.conversation;
    const url = socketAddress(location.origin, this.address.prefix, session, position(transcript));
    this.line = openLine(url, token, {
      frame: (source) => this.hear(source, token, round),
      end: (code) => this.ended(code),
    });
  }

  private hear(source: string, token: string, round: number): void {
    const frame = parseFrame(source, this.current.conversation.session);
    if (!frame) return;
    if (frame.type === 'hello') {
      this.greetedAt = Date.now();
      this.update({ link: 'connected', assistant: frame.models[0]?.name ?? this.current.assistant });
    }
    const reload = this.take(conversation.receive(this.current.conversation, frame, Date.now()));
    if (reload) void this.read(token, round).then((refused) => refused && this.postponed(refused));
  }

  private ended(code: number): void {
    const held = this.greetedAt === undefined ? undefined : Date.now() - this.greetedAt;
    this.hangUp(code);
    const decision = decide(this.policy, { code, held }, Math.random());
    if (decision.then === 'connect') this.wait(decision);
    else this.stop(code === BAD_TOKEN ? this.identity.refused() : 'refused');
  }

  private postponed(refused: Refused): void {
    this.renew ||= refused.status === 401;
    this.wait(postpone(this.policy, Math.random(), refused.retryAfterMs));
  }

  private wait(decision: Retry): void {
    this.round++;
    this.hangUp();
    this.policy = decision.policy;
    this.renew ||= decision.renew;
    this.pause = setTimeout(() => void this.connect(), decision.afterMs);
    this.update({ link: navigator.onLine ? 'reconnecting' : 'offline' });
  }

  private stop(stop: Stop): void {
    this.round++;
    this.hangUp();
    this.update({ link: 'stopped', stop });
  }

  /** Another person now: the old chat is not theirs, but what they wrote is. */
  private startOver(): void {
    const unsent = this.current.conversation.outbox.entries;
    const session = uuid();
    const next = conversation.start(session, unsent.map((entry) => ({ ...entry, session })));
    next.outbox.entries.forEach((entry) => this.keep.keepUnsent(entry));
    const notice = this.pinned ? 'NEW_VISITOR' : undefined;
    this.begun = true;
    this.update({ conversation: { ...next, notice } });
    this.pin('replace');
  }

  private hangUp(code = NO_CLOSE_FRAME): void {
    clearTimeout(this.pause);
    this.pause = undefined;
    this.line?.drop();
    this.line = undefined;
    this.greetedAt = undefined;
    this.update({ conversation: conversation.lost(this.current.conversation, code, Date.now()) });
  }

  /** Takes over the next conversation and its effects; `true` when the history has to be read. */
  private take([next, effects]: conversation.Step): boolean {
    this.update({ conversation: next });
    let reload = false;
    for (const effect of effects) {
      if (effect.do === 'transmit') this.line?.send(effect.frame);
      else if (effect.do === 'keep') this.keep.keepUnsent(effect.entry);
      else if (effect.do === 'forget') this.keep.forgetUnsent(effect.clientId);
      else if (effect.do === 'announce') this.update({ finished: effect.message });
      else if (effect.do === 'reconnect') this.ended(NO_CLOSE_FRAME);
      else reload = true;
    }
    return reload;
  }

  private update(change: Partial<State>): void {
    this.current = { ...this.current, ...change };
    clearTimeout(this.alarm);
    const at = conversation.wakeAt(this.current.conversation);
    if (at !== undefined) this.alarm = setTimeout(() => this.ring(), Math.max(0, at - Date.now()));
    this.changed();
  }

  private ring(): void {
    this.take(conversation.tick(this.current.conversation, Date.now()));
  }
}
