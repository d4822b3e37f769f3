/** What the page's controller needs of a browser and of a server: sockets, HTTP and time, all under the test's control. */

import { afterEach, beforeEach, vi } from 'vitest';
import { Chat } from '../src/shell/chat';
import { ServerClock } from '../src/shell/clock';
import { Http } from '../src/shell/http';
import { Identity } from '../src/shell/identity';
import { Storage } from '../src/shell/storage';

/** The time on the server. */
export const SERVER_TIME = Date.parse('2026-06-01T12:00:00Z');
export const at = (ms = 0): string => new Date(SERVER_TIME + ms).toISOString();

/** Gives each test of a file a browser without a past: timers, storage and the address bar are as in a new tab. */
export function freshBrowser(): void {
  beforeEach(() => {
    // The timers of one test do not reach into the next one.
    vi.useFakeTimers({ shouldAdvanceTime: true });
    localStorage.clear();
    sessionStorage.clear();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    history.replaceState(null, '', '/');
  });
}

export class FakeSocket {
  static opened: FakeSocket[] = [];
  static readonly OPEN = 1;
  readyState = 1;
  readonly sent: Record<string, any>[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(readonly url: string, readonly protocols: string[]) {
    FakeSocket.opened.push(this);
  }

  get token(): string | undefined {
    return this.protocols.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length);
  }

  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }

  close(): void {
    this.readyState = 3;
  }

  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  hello(more: object = {}): void {
    this.receive({ type: 'connection_status', models: [{ id: 'm', name: 'Mo' }], timestamp: at(), metadata: { op: 'hello' }, ...more });
  }

  end(code: number, reason = ''): void {
    this.onclose?.({ code, reason });
  }
}

export interface Request {
  method: string;
  path: string;
  token: string | undefined;
}

export type Respond = (request: Request) => { status?: number; json?: unknown; headers?: Record<string, string> };

/** What jsdom lacks of a browser, for the view. */
export function stubView(): void {
  vi.stubGlobal('matchMedia', () => ({ matches: false }));
  vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} });
  Element.prototype.scrollTo = () => {};
}

export class FakeBrowser {
  readonly requests: Request[] = [];
  readonly sockets = (FakeSocket.opened = []) as FakeSocket[];
  guests = 0;
  respond: Respond = (request) => this.defaultResponse(request);

  constructor() {
    vi.stubGlobal('WebSocket', FakeSocket);
    vi.stubGlobal('fetch', async (path: string, { method, headers }: { method: string; headers: Record<string, string> }) => {
      const request = { method, path: path.split('?')[0] ?? '', token: headers.Authorization?.slice('Bearer '.length) };
      this.requests.push(request);
      const { status = 200, json = {}, headers: more } = this.respond(request);
      return new Response(JSON.stringify(json), { status, headers: { Date: new Date(SERVER_TIME).toUTCString(), ...more } });
    });
  }

  /** A page that has just been opened. */
  page(url = 'http://localhost/chatbox/chat.html', token?: string): Chat {
    const session = new URL(url).searchParams.get('session_id') ?? undefined;
    const storage = new Storage('/chatbox');
    const clock = new ServerClock();
    const http = new Http('/chatbox', clock);
    const identity = new Identity(http, storage, clock, token);
    return new Chat({ prefix: '/chatbox', session, token, newChat: false }, http, identity, storage, clock, () => {});
  }

  /** A page that is connected. */
  async connected(url?: string, hello: object = {}): Promise<Chat> {
    const chat = this.page(url);
    chat.start();
    (await this.socket(1)).hello(hello);
    return chat;
  }

  /** The socket that the page opens as the `count`th. */
  socket(count: number): Promise<FakeSocket> {
    return vi.waitFor(() => {
      const socket = FakeSocket.opened[count - 1];
      if (!socket) throw new Error(`${FakeSocket.opened.length} sockets`);
      return socket;
    }, 10_000);
  }

  count(method: string, path: string): number {
    return this.requests.filter((request) => request.method === method && request.path === `/chatbox${path}`).length;
  }

  defaultResponse({ path, token }: Request): ReturnType<Respond> {
    if (path.endsWith('/guest')) {
      const user = token?.split('.')[0] ?? `guest-${++this.guests}`;
      return { json: { token: `${user}.${this.requests.length}`, user_id: user, expires_at: at(3_600_000) } };
    }
    if (path.endsWith('/sessions')) return { json: { sessions: [] } };
    return { json: { messages: [], seq: 0 } };
  }
}
