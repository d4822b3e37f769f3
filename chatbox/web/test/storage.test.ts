// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Storage as ChatStorage } from '../src/shell/storage';
import { at, FakeBrowser, FakeSocket, freshBrowser } from './fake-browser';

const GUEST = 'chatbox:/chatbox:guest';
const denied = () => {
  throw new DOMException('denied', 'SecurityError');
};
const full = () => {
  throw new DOMException('full', 'QuotaExceededError');
};

freshBrowser();

/** Kinds of storage that do not keep what they are given. */
const BROKEN: [string, () => void][] = [
  ['is switched off', () => stubStorage({ get: denied })],
  ['throws at each access', () => stubStorage({ value: new Proxy({}, { get: denied, ownKeys: denied, has: denied }) })],
  ['is missing', () => stubStorage({ value: null })],
  ['is full', () => void vi.spyOn(Storage.prototype, 'setItem').mockImplementation(full)],
  ['forgets everything', () => void vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {})],
];

function stubStorage(descriptor: PropertyDescriptor): void {
  for (const name of ['localStorage', 'sessionStorage'] as const) {
    const real = Object.getOwnPropertyDescriptor(globalThis, name) ?? {};
    Object.defineProperty(globalThis, name, { configurable: true, ...descriptor });
    restore.push(() => Object.defineProperty(globalThis, name, real));
  }
}
const restore: (() => void)[] = [];
afterEach(() => restore.splice(0).forEach((undo) => undo()));

describe.each(BROKEN)('where storage %s', (kind, breakStorage) => {
  test('a guest stays the same through reconnects and renewals', async () => {
    breakStorage();
    const browser = new FakeBrowser();
    const chat = await browser.connected();
    chat.send('hello');
    const first = await browser.socket(1);
    first.receive({ type: 'connection_status', client_id: first.sent[0]?.client_id, id: 'm1', seq: 1, timestamp: at(), metadata: { op: 'ack' } });
    first.end(1001);
    const second = await browser.socket(2);
    expect(second.token).toBe(first.token);
    second.hello();
    second.end(4014);
    const third = await browser.socket(3);
    expect(third.token?.split('.')[0]).toBe('guest-1');
    expect(browser.guests).toBe(1);
    expect(new URL(third.url).searchParams.get('session_id')).toBe(chat.state.conversation.session);
    expect(chat.state.conversation.notice).toBeUndefined();
  });

  test('a pending message is kept while the page shows another chat', async () => {
    breakStorage();
    const browser = new FakeBrowser();
    const chat = browser.page();
    chat.start();
    const { session } = chat.state.conversation;
    chat.send('hello');
    expect(chat.hasUnsavedMessages()).toBe(kind !== 'forgets everything');
    chat.newChat();
    expect(chat.state.conversation.outbox.entries).toEqual([]);
    chat.show(session);
    expect(chat.state.conversation.outbox.entries).toMatchObject([{ content: 'hello', session }]);
    await browser.socket(1);
  });
});

test('the locks of the browser may be denied, or held by a tab that is frozen', async () => {
  const locks = { request: vi.fn().mockRejectedValue(new DOMException('denied', 'SecurityError')) };
  vi.stubGlobal('navigator', { ...navigator, onLine: true, locks });
  const browser = new FakeBrowser();
  await browser.connected();
  expect(locks.request.mock.calls[0]?.[1].signal).toBeInstanceOf(AbortSignal);
  expect(browser.guests).toBe(1);
});

describe('storage that another tab clears', () => {
  test('does not change who the guest of this page is, and what is pending', async () => {
    const browser = new FakeBrowser();
    const chat = await browser.connected();
    chat.send('hello');
    localStorage.clear();
    dispatchEvent(new StorageEvent('storage', { key: null, storageArea: localStorage }));
    const first = await browser.socket(1);
    first.end(4014);
    const second = await browser.socket(2);
    second.hello();
    expect(second.token?.split('.')[0]).toBe('guest-1');
    expect(second.sent).toEqual(first.sent);
    expect(localStorage.getItem(GUEST)).toContain('guest-1');
  });

  test('and in which it is another guest, is left to that tab', async () => {
    const browser = new FakeBrowser();
    await browser.connected();
    const other = JSON.stringify({ token: 'other.1', user_id: 'other', expires_at: at(3_600_000) });
    localStorage.setItem(GUEST, other);
    (await browser.socket(1)).end(4014);
    expect((await browser.socket(2)).token?.split('.')[0]).toBe('guest-1');
    expect(localStorage.getItem(GUEST)).toBe(other);
  });
});

test('a token that another tab has renewed is used', async () => {
  const browser = new FakeBrowser();
  await browser.connected();
  localStorage.setItem(GUEST, JSON.stringify({ token: 'guest-1.newer', user_id: 'guest-1', expires_at: at(7_200_000) }));
  (await browser.socket(1)).end(1001);
  expect((await browser.socket(2)).token).toBe('guest-1.newer');
  expect(browser.count('POST', '/guest')).toBe(1);
});

test('a guest who cannot be renewed becomes the one that another tab has become', async () => {
  const browser = new FakeBrowser();
  const chat = await browser.connected();
  browser.respond = (request) => (request.token?.startsWith('guest-1') ? { status: 401 } : browser.defaultResponse(request));
  localStorage.setItem(GUEST, JSON.stringify({ token: 'guest-2.1', user_id: 'guest-2', expires_at: at(3_600_000) }));
  (await browser.socket(1)).end(4014);
  expect((await browser.socket(2)).token).toBe('guest-2.1');
  expect(chat.state.conversation.notice).toBe('NEW_GUEST');
});

test.each([
  ['no JSON', '{"token": 7, "user_id"'],
  ['a token that no header can carry', JSON.stringify({ token: 'a b\n', user_id: 'u', expires_at: at() })],
  ['another type', '[]'],
  ['another shape', JSON.stringify({ token: 'a.b.c', user_id: 'u', expires_at: { year: 2026 } })],
])('a stored guest that is %s is replaced', async (_, value) => {
  localStorage.setItem(GUEST, value);
  const browser = new FakeBrowser();
  await browser.connected();
  expect(FakeSocket.opened[0]?.token).toBe('guest-1.1');
});

test('pending messages are read back in their order, and what is no message is deleted', () => {
  const key = (id: string) => `chatbox:/chatbox:pending:${id}`;
  const entry = (clientId: string, order: number, time: string) => ({ clientId, session: 's', content: clientId, at: time, order });
  const written = new ChatStorage('/chatbox');
  written.savePending(entry('second', 2, '1999-01-01'));
  written.savePending(entry('first', 1, '2030-01-01'));
  localStorage.setItem(key('x'), 'nonsense');
  localStorage.setItem(key('y'), '{"clientId": "y", "session": [], "at": null}');
  const read = new ChatStorage('/chatbox');
  expect(read.pending('s').map(({ clientId }) => clientId)).toEqual(['first', 'second']);
  expect(localStorage.getItem(key('x')) ?? localStorage.getItem(key('y'))).toBeNull();
});
