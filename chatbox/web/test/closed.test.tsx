// @vitest-environment jsdom
import { render } from 'preact';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Chat } from '../src/shell/chat';
import { App } from '../src/view/app';
import { at, FakeBrowser, stubView } from './fake-browser';

const root = document.createElement('div');
beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  stubView();
  localStorage.clear();
});
afterEach(() => {
  render(null, root);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function text(chat: Chat, selector: string): string | undefined {
  render(<App chat={chat} state={chat.state} />, root);
  return root.querySelector(selector)?.textContent ?? undefined;
}

describe('a connection that the server closes', () => {
  test('because the user has too many, is not tried again until the person asks', async () => {
    const browser = new FakeBrowser();
    const chat = browser.page();
    chat.start();
    const first = await browser.socket(1);
    first.receive({ type: 'error', timestamp: at(), error: { code: 'CONNECTION_LIMIT_EXCEEDED', message: 'm', recoverable: false } });
    first.end(4504);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(browser.sockets).toHaveLength(1);
    expect(text(chat, '[role=alert]')).toContain('Close it in another tab, window or device');
    expect(text(chat, '#status-text')).toBe('Open in too many windows');
    root.querySelector<HTMLButtonElement>('[role=alert] button')?.click();
    (await browser.socket(2)).hello();
    expect(text(chat, '#status-text')).toBe('Connected');
    expect(text(chat, '[role=alert]')).toBeUndefined();
  });

  test.each([4500, 4501, 4999])('with the code %d is not tried again, and says so', async (code) => {
    const browser = new FakeBrowser();
    const chat = await browser.connected();
    (await browser.socket(1)).end(code);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(browser.sockets).toHaveLength(1);
    expect(text(chat, '[role=alert] button')).toBe('Connect again');
  });

  test.each([
    [1013, 'The server is busy. Trying again…'],
    [1011, 'The chat cannot be read at the moment. Trying again…'],
    [1006, 'Reconnecting…'],
    [4499, 'Reconnecting…'],
  ])('with the code %d is tried again, and the header says why', async (code, words) => {
    const browser = new FakeBrowser();
    const chat = await browser.connected();
    (await browser.socket(1)).end(code);
    expect(text(chat, '#status-text')).toBe(words);
    (await browser.socket(2)).hello();
    expect(text(chat, '#status-text')).toBe('Connected');
  });

  test('because it is busy, is tried again when the server said', async () => {
    const browser = new FakeBrowser();
    const chat = browser.page();
    chat.start();
    const first = await browser.socket(1);
    first.receive({ type: 'error', error: { code: 'SERVICE_ERROR', recoverable: true, retry_after: 20_000 } });
    first.end(1013);
    await vi.advanceTimersByTimeAsync(19_000);
    expect(browser.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(browser.sockets).toHaveLength(2);
    expect(chat.state.conversation.notice).toBeUndefined();
  });

  test('because the token has ended, is renewed without a word to the person', async () => {
    const browser = new FakeBrowser();
    const chat = await browser.connected();
    const first = await browser.socket(1);
    first.receive({ type: 'error', error: { code: 'EXPIRED_TOKEN', message: 'm', recoverable: false } });
    first.end(4014);
    const second = await browser.socket(2);
    second.hello();
    expect(second.token).not.toBe(first.token);
    expect(text(chat, '.message.system')).toBeUndefined();
  });
});

test.each([
  [429, 'The server is busy. Trying again…'],
  [503, 'The server is busy. Trying again…'],
  [500, 'Reconnecting…'],
])('a request that is answered with %d is repeated when the server said, and the header says why', async (status, words) => {
  for (const path of ['/chatbox/guest', '/chatbox/sessions']) {
    const browser = new FakeBrowser();
    let failures = 1;
    browser.respond = (request) =>
      request.path === path && failures-- > 0 ? { status, headers: { 'Retry-After': '5' } } : browser.defaultResponse(request);
    localStorage.clear();
    const chat = browser.page();
    chat.start();
    await vi.waitFor(() => expect(chat.state.connection).toBe('reconnecting'));
    expect(text(chat, '#status-text')).toBe(words);
    await vi.advanceTimersByTimeAsync(4_500);
    expect(browser.sockets).toHaveLength(0);
    (await browser.socket(1)).hello();
    expect(text(chat, '#status-text')).toBe('Connected');
  }
});

test('a guest whom the browser has forgotten is not locked out by the session that the URL names', async () => {
  const browser = new FakeBrowser();
  const chat = await browser.connected('http://localhost/chatbox/chat.html?session_id=mine');
  (await browser.socket(1)).receive({ type: 'error', error: { code: 'UNAUTHORIZED', recoverable: false } });
  (await browser.socket(2)).hello();
  expect(chat.state.conversation.session).not.toBe('mine');
  expect(text(chat, '.message.system')).toContain('so this is a new one');
});
