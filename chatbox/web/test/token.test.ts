// @vitest-environment jsdom
import { expect, test, vi } from 'vitest';
import { FakeBrowser, freshBrowser } from './fake-browser';

freshBrowser();

test.each([
  ['is kept by the browser leaves the URL', true],
  ['the browser does not keep stays in the URL, so that a reload is not a sign-out', false],
])('a token that %s', async (_, isKept) => {
  if (isKept) sessionStorage.setItem('chatbox:/chatbox:token', 'ada.1');
  history.replaceState(null, '', '/chatbox/chat.html?token=ada.1');
  const browser = new FakeBrowser();
  browser.page('http://localhost/chatbox/chat.html', 'ada.1').start();
  (await browser.socket(1)).hello();
  const shown = new URL(location.href).searchParams;
  expect(shown.get('session_id')).toBeTruthy();
  expect(shown.get('token')).toBe(isKept ? null : 'ada.1');
});

test('a browser that refuses another URL does not stop the chat', async () => {
  vi.spyOn(history, 'replaceState').mockImplementation(() => {
    throw new DOMException('too often', 'SecurityError');
  });
  const browser = new FakeBrowser();
  const chat = await browser.connected();
  expect(chat.send('hello')).toBe(true);
  expect((await browser.socket(1)).sent).toHaveLength(1);
});
