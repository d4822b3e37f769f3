import './view/styles/index.css';
import { render } from 'preact';
import { readAddress, showAddress } from './core/address';
import { Chat } from './shell/chat';
import { Http } from './shell/http';
import { Identity } from './shell/identity';
import { Keep } from './shell/storage';
import { App } from './view/app';

/** A reader who was away this long may have lost the line without a sign of it. */
const AWAY_MS = 30_000;

const url = new URL(location.href);
const address = readAddress(url);
const keep = new Keep(address.prefix);
if (address.token) {
  keep.keepToken(address.token);
  history.replaceState(null, '', showAddress(url, address.session));
}

const http = new Http(address.prefix);
const identity = new Identity(http, keep, address.token ?? keep.token());
const chat = new Chat(address, http, identity, keep, schedule);
const root = document.querySelector('#app') as HTMLElement;

/** However fast words arrive, the page is drawn once a frame. */
let drawing: number | undefined;
function schedule(): void {
  drawing ??= requestAnimationFrame(draw);
}
function draw(): void {
  drawing = undefined;
  render(<App chat={chat} state={chat.state} />, root);
}

let hiddenAt = 0;
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (chat.state.link !== 'connected' || Date.now() - hiddenAt > AWAY_MS) chat.wake();
});
addEventListener('online', () => chat.wake());
addEventListener('offline', () => chat.wake());
addEventListener('popstate', () => chat.show(readAddress(new URL(location.href)).session));

draw();
chat.start();
