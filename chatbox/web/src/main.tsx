/** Entry point of the chat page: connects the controller with the view and with the browser's events. */

import './view/styles/index.css';
import { render } from 'preact';
import { parsePageUrl, withSession } from './core/url';
import { Chat } from './shell/chat';
import { Http } from './shell/http';
import { Identity } from './shell/identity';
import { Storage } from './shell/storage';
import { App } from './view/app';

/** After this long in the background the connection may be dead without a sign. */
const HIDDEN_TOO_LONG_MS = 30_000;

const location = new URL(window.location.href);
const url = parsePageUrl(location);
const storage = new Storage(url.prefix);
if (url.token) {
  storage.saveToken(url.token);
  history.replaceState(null, '', withSession(location, url.session));
}

const http = new Http(url.prefix);
const identity = new Identity(http, storage, url.token ?? storage.token());
const chat = new Chat(url, http, identity, storage, scheduleRender);
const root = document.querySelector('#app') as HTMLElement;

/** Renders once per animation frame, however fast deltas arrive. */
let scheduled: number | undefined;
function scheduleRender(): void {
  scheduled ??= requestAnimationFrame(renderNow);
}
function renderNow(): void {
  scheduled = undefined;
  render(<App chat={chat} state={chat.state} />, root);
}

let hiddenAt = 0;
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (chat.state.connection !== 'connected' || Date.now() - hiddenAt > HIDDEN_TOO_LONG_MS) chat.wake();
});
addEventListener('online', () => chat.wake());
addEventListener('offline', () => chat.networkLost());
addEventListener('popstate', () => chat.show(parsePageUrl(new URL(window.location.href)).session));

renderNow();
chat.start();
