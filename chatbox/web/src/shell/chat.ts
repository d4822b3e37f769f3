/** The page's controller: it connects, feeds events to the core, carries out its effects, and tells the view what changed. */

import * as conversation from '../core/conversation';
import { newestActiveSession, parseHistory } from '../core/history';
import { cleanText, find, isFull, lengthOf, nextOrder } from '../core/outbox';
import { afterDisconnect, afterFailedRequest, INITIAL, type Reconnect, type RetryState } from '../core/reconnect';
import * as requests from '../core/requests';
import type { StopReason } from '../core/strings';
import { position } from '../core/transcript';
import * as typing from '../core/typing';
import { type PageUrl, socketUrl, withSession } from '../core/url';
import { DEFAULT_LIMITS, type Limits, type Message, type Model, parseFrame, type WireError } from '../core/wire';
import { monotonic, type ServerClock } from './clock';
import type { FailedRequest, Http } from './http';
import type { Identity } from './identity';
import { setUrl } from './navigation';
import { openSocket, type Socket } from './socket';
import type { Storage } from './storage';
import { uuid } from './uuid';

export interface State {
  connection: 'connecting' | 'connected' | 'reconnecting' | 'offline' | 'stopped';
  stopReason?: StopReason | undefined;
  /** How the last connection ended, if the server said so. */
  closeCode?: number | undefined;
  /** The history has been read. */
  isLoaded: boolean;
  /** The models that may answer; empty until the server has said it. */
  models: Model[];
  limits: Limits;
  conversation: conversation.Conversation;
  /** The answer that was finished last, or what staff said last. */
  finished?: Message | undefined;
}

const BAD_TOKEN = 4500;
const TOO_MANY_CONNECTIONS = 4504;
/** The close code of a server that is busy, and what it says over HTTP. */
const TRY_LATER = 1013;
const BUSY: ReadonlySet<number> = new Set([429, 503]);
const NO_CLOSE_FRAME = 1006;

export class Chat {
  private current: State;
  private retryState: RetryState = INITIAL;
  private renewToken = false;
  /** The session is chosen. Until then the user's newest one may still be opened. */
  private isChosen: boolean;
  /** The session was created here, so there is no history to read. */
  private isNew: boolean;
  /** Counts attempts to connect, so that late results of an older one are ignored. */
  private attempt = 0;
  private socket: Socket | undefined;
  private helloAt: number | undefined;
  /** How long the server asked to wait, on this connection. */
  private retryAfterMs: number | undefined;
  private reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  private deadlineTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: PageUrl,
    private readonly http: Http,
    private readonly identity: Identity,
    private readonly storage: Storage,
    private readonly clock: ServerClock,
    private readonly onChange: () => void,
  ) {
    this.isChosen = url.session !== undefined || url.newChat;
    this.isNew = url.session === undefined;
    const restored = this.restore(url.session ?? uuid());
    this.current = { connection: 'connecting', isLoaded: false, models: [], limits: DEFAULT_LIMITS, conversation: restored };
    if (url.newChat) this.choose('replace');
  }

  get state(): State {
    return this.current;
  }

  /** The time on the server, in milliseconds since 1970. */
  now(): number {
    return this.clock.now();
  }

  start(): void {
    void this.connect();
  }

  /**
   * Sends a message; `false` when it was not accepted and stays in its field. With `replaces` it stands for the newest
   * question, which has that number.
   */
  send(text: string, replaces?: number): boolean {
    const content = cleanText(text);
    if (!content || lengthOf(content) > this.current.limits.messageChars || this.current.stopReason) return false;
    if (isFull(this.current.conversation.outbox)) {
      this.update({ conversation: { ...this.current.conversation, notice: 'OUTBOX_FULL' } });
      return false;
    }
    if (!this.isChosen) this.choose('replace');
    const { session, outbox } = this.current.conversation;
    const at = new Date(this.now()).toISOString();
    const entry = { clientId: uuid(), session, content, at, order: nextOrder(outbox), replaces };
    this.apply(conversation.send(this.current.conversation, entry, monotonic()));
    return true;
  }

  chooseModel(model: string): void {
    this.apply(requests.chooseModel(this.current.conversation, model, monotonic()));
  }

  /** Stops the answer that is being written or waited for. */
  stopAnswer(): void {
    this.apply(requests.stop(this.current.conversation, monotonic()));
  }

  /** Has the newest answer, which has this number, written anew. */
  regenerate(answer: number): void {
    this.apply(requests.regenerate(this.current.conversation, answer, monotonic()));
  }

  /** Asks for a human. */
  requestHelp(): void {
    if (!this.isChosen) this.choose('replace');
    this.apply(requests.requestHelp(this.current.conversation, monotonic()));
  }

  /** The person types. */
  typed(): void {
    this.apply(typing.typed(this.current.conversation, monotonic()));
  }

  retry(clientId: string): void {
    this.apply(conversation.retry(this.current.conversation, clientId, monotonic()));
  }

  /** Takes back a message that was not accepted, and returns its text. */
  takeBack(clientId: string): string {
    const text = find(this.current.conversation.outbox, clientId)?.content ?? '';
    this.remove(clientId);
    return text;
  }

  remove(clientId: string): void {
    this.apply(conversation.remove(this.current.conversation, clientId, monotonic()));
  }

  /** Messages that are neither on the server nor in the browser's storage: closing the page would lose them. */
  hasUnsavedMessages(): boolean {
    return this.storage.hasUnsaved();
  }

  newChat(): void {
    this.open(uuid());
    this.isNew = true;
    this.update({ isLoaded: true });
    this.choose('push');
    this.reconnect();
  }

  /** The user went back or forward to another session. */
  show(session: string | undefined): void {
    if (!session || session === this.current.conversation.session) return;
    this.open(session);
    this.reconnect();
  }

  /** The person wants another attempt after the server had closed the chat. */
  connectAgain(): void {
    this.retryState = INITIAL;
    this.update({ connection: 'connecting', stopReason: undefined });
    void this.connect();
  }

  /** The network is back or the user returned: a pending reconnect need not wait, and an open connection may be dead. */
  wake(): void {
    if (this.current.connection === 'connected') this.apply(conversation.probe(this.current.conversation, monotonic()));
    else if (this.reconnectTimer !== undefined) void this.connect();
  }

  /** The browser lost its network. A dead connection gives no sign, and to make a new one costs little if it was alive. */
  networkLost(): void {
    if (this.current.connection === 'connected') this.onClose(NO_CLOSE_FRAME);
  }

  private restore(session: string): conversation.Conversation {
    return conversation.start(session, this.storage.pending(session));
  }

  private open(session: string): void {
    this.isNew = false;
    this.update({ conversation: this.restore(session), isLoaded: false, finished: undefined });
  }

  private reconnect(): void {
    if (!this.current.stopReason) void this.connect();
  }

  private choose(how: 'push' | 'replace'): void {
    this.isChosen = true;
    const shown = new URL(location.href);
    const token = shown.searchParams.get('token');
    const isKept = token === null || this.storage.token() === token;
    const url = withSession(shown, this.current.conversation.session, isKept);
    setUrl(how, url);
  }

  private async connect(): Promise<void> {
    const attempt = ++this.attempt;
    this.disconnect();
    if (this.current.connection === 'connected') this.update({ connection: 'connecting' });
    const credentials = await this.identity.credentials(this.renewToken);
    if (attempt !== this.attempt) return;
    if ('stop' in credentials) return this.stop(credentials.stop);
    if ('status' in credentials) return this.onFailedRequest(credentials);
    this.renewToken = false;
    if (credentials.isNewUser) this.continueAsNewUser();
    const failed = this.current.isLoaded ? undefined : await this.load(credentials.token, attempt);
    if (attempt !== this.attempt) return;
    if (failed) return this.onFailedRequest(failed);
    this.openSocket(credentials.token, attempt);
  }

  /** Chooses the session and reads its history. Returns the request that failed, if one did. */
  private async load(token: string, attempt: number): Promise<FailedRequest | undefined> {
    if (!this.isChosen) {
      const reply = await this.http.sessions(token);
      if (!reply.ok) return reply;
      const newest = newestActiveSession(reply.json);
      if (attempt !== this.attempt) return undefined;
      if (!this.isChosen) {
        if (newest) this.open(newest);
        this.choose('replace');
      }
    }
    if (!this.isNew) return this.readHistory(token, attempt);
    this.update({ isLoaded: true });
    return undefined;
  }

  private async readHistory(token: string, attempt: number): Promise<FailedRequest | undefined> {
    const reply = await this.http.session(this.current.conversation.session, token);
    if (attempt !== this.attempt) return undefined;
    if (!reply.ok && reply.status !== 404) return reply;
    const { messages, seq } = parseHistory(reply.ok ? reply.json : undefined);
    this.update({ isLoaded: true });
    this.apply(conversation.historyLoaded(this.current.conversation, messages, seq, monotonic()));
    return undefined;
  }

  private openSocket(token: string, attempt: number): void {
    const { session, transcript } = this.current.conversation;
    const url = socketUrl(location.origin, this.url.prefix, session, position(transcript));
    this.socket = openSocket(url, token, {
      onFrame: (source) => this.onFrame(source, token, attempt),
      onClose: (code) => this.onClose(code),
    });
  }

  private onFrame(source: string, token: string, attempt: number): void {
    const frame = parseFrame(source, this.current.conversation.session);
    if (!frame) return;
    if (frame.type === 'hello') {
      this.helloAt = monotonic();
      this.clock.sync(frame.at);
      const models = frame.models.length > 0 ? frame.models : this.current.models;
      this.update({ connection: 'connected', closeCode: undefined, models, limits: frame.limits });
    }
    if (frame.type === 'error' && this.isAboutConnection(frame.error)) this.retryAfterMs = frame.error.retryAfter;
    if (frame.type === 'error' && frame.error.code === 'UNAUTHORIZED' && this.identity.isNewGuest) {
      // The URL names a session of the guest whom this browser has forgotten.
      this.continueAsNewUser();
      return this.reconnect();
    }
    const needsReload = this.apply(conversation.receive(this.current.conversation, frame, monotonic()));
    if (needsReload) void this.readHistory(token, attempt).then((failed) => failed && this.onFailedRequest(failed));
  }

  private isAboutConnection(error: WireError): boolean {
    return !error.clientId && !error.run && !requests.isRefusal(this.current.conversation, error);
  }

  private onClose(code: number): void {
    const connectedMs = this.helloAt === undefined ? undefined : monotonic() - this.helloAt;
    const end = { code, connectedMs, retryAfterMs: this.retryAfterMs };
    this.disconnect(code);
    this.update({ closeCode: code });
    const decision = afterDisconnect(this.retryState, end, Math.random());
    if (decision.action === 'connect') this.reconnectLater(decision);
    else this.stop(this.stopReason(code));
  }

  private stopReason(code: number): StopReason {
    if (code === TOO_MANY_CONNECTIONS) return 'too_many_windows';
    return code === BAD_TOKEN ? this.identity.tokenRejected() : 'closed';
  }

  private onFailedRequest(failed: FailedRequest): void {
    this.renewToken ||= failed.status === 401;
    this.update({ closeCode: BUSY.has(failed.status) ? TRY_LATER : undefined });
    this.reconnectLater(afterFailedRequest(this.retryState, Math.random(), failed.retryAfterMs));
  }

  private reconnectLater(decision: Reconnect): void {
    this.attempt++;
    this.disconnect();
    this.retryState = decision.state;
    this.renewToken ||= decision.renewToken;
    this.reconnectTimer = setTimeout(() => void this.connect(), decision.afterMs);
    this.update({ connection: navigator.onLine ? 'reconnecting' : 'offline' });
  }

  private stop(stopReason: StopReason): void {
    this.attempt++;
    this.disconnect();
    this.update({ connection: 'stopped', stopReason });
  }

  /** The session belongs to the user of before and cannot be opened. Pending messages move to a new session. */
  private continueAsNewUser(): void {
    const { entries } = this.current.conversation.outbox;
    const session = uuid();
    const next = conversation.start(session, entries.map((entry) => ({ ...entry, session, replaces: undefined })));
    next.outbox.entries.forEach((entry) => this.storage.savePending(entry));
    const notice = this.isChosen ? 'NEW_GUEST' : undefined;
    this.isNew = true;
    this.update({ conversation: { ...next, notice } });
    this.choose('replace');
  }

  private disconnect(code = NO_CLOSE_FRAME): void {
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = undefined;
    this.socket?.close();
    this.socket = undefined;
    this.helloAt = undefined;
    this.retryAfterMs = undefined;
    this.update({ conversation: conversation.disconnected(this.current.conversation, code, monotonic()) });
  }

  /** Takes over the next conversation and carries out its effects; `true` when the history has to be read. */
  private apply([next, effects]: conversation.Step): boolean {
    this.update({ conversation: next });
    let needsReload = false;
    for (const effect of effects) {
      if (effect.type === 'transmit') this.socket?.send(effect.frame);
      else if (effect.type === 'persist') this.storage.savePending(effect.entry);
      else if (effect.type === 'forget') this.storage.deletePending(effect.clientId);
      else if (effect.type === 'announce') this.update({ finished: effect.message });
      else if (effect.type === 'reconnect') this.onClose(NO_CLOSE_FRAME);
      else needsReload = true;
    }
    return needsReload;
  }

  private update(change: Partial<State>): void {
    this.current = { ...this.current, ...change };
    clearTimeout(this.deadlineTimer);
    const at = conversation.nextDeadline(this.current.conversation);
    if (at !== undefined) this.deadlineTimer = setTimeout(() => this.onDeadline(), Math.max(0, at - monotonic()));
    this.onChange();
  }

  private onDeadline(): void {
    this.apply(conversation.tick(this.current.conversation, monotonic()));
  }
}
