/** Entry point of the chat page: connects the controller with the view and with the browser's events. */

import './view/styles/index.css';
import { render } from 'preact';
import { parsePageUrl, withSession } from './core/url';
import { setUrl } from './shell/navigation';
import { Chat } from './shell/chat';
import { monotonic, ServerClock } from './shell/clock';
import { Http } from './shell/http';
import { Identity } from './shell/identity';
import { Storage } from './shell/storage';
import { App } from './view/app';

/** The page may come to the front again and again, and each time the connection is tried. */
const WAKE_EVERY_MS = 5_000;

const location = new URL(window.location.href);
const url = parsePageUrl(location);
const storage = new Storage(url.prefix);
if (url.token) {
  storage.saveToken(url.token);
  setUrl('replace', withSession(location, url.session, storage.token() === url.token));
}

const clock = new ServerClock();
const http = new Http(url.prefix, clock);
const identity = new Identity(http, storage, clock, url.token ?? storage.token());
const chat = new Chat(url, http, identity, storage, clock, scheduleRender);
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

let wokenAt = -Infinity;
document.addEventListener('visibilitychange', () => {
  if (document.hidden || monotonic() - wokenAt < WAKE_EVERY_MS) return;
  wokenAt = monotonic();
  chat.wake();
});
addEventListener('online', () => chat.wake());
addEventListener('offline', () => chat.networkLost());
addEventListener('beforeunload', (event) => {
  if (chat.hasUnsavedMessages()) event.preventDefault();
});
addEventListener('popstate', () => chat.show(parsePageUrl(new URL(window.location.href)).session));

renderNow();
chat.start();
