// What can be done with a page: each export is an operation of the line protocol.
import { setTimeout } from 'node:timers/promises';
import axe from 'axe-core';

const TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Open pages by number, with the problems that were seen on them. */
const pages = new Map();
let lastPage = 0;

export async function newPage({ profile: { viewport, colorScheme, touch, initScript } }, browser) {
  const [width, height] = viewport;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, hasTouch: touch, isMobile: touch });
  if (initScript) await context.addInitScript(initScript);
  return register(await context.newPage());
}

export const newTab = async ({ page }) => register(await tab(page).context().newPage());

export async function close({ page }) {
  const context = tab(page).context();
  await tab(page).close();
  pages.delete(page);
  if (context.pages().length === 0) await context.close();
}

export const open = async ({ page, url }) => void (await tab(page).goto(url));
export const reload = async ({ page }) => void (await tab(page).reload());
export const back = async ({ page }) => void (await tab(page).goBack());
export const fill = ({ page, selector, text }) => tab(page).locator(selector).fill(text);
export const click = ({ page, selector }) => tab(page).locator(selector).click();
export const select = async ({ page, selector, value }) => void (await tab(page).locator(selector).selectOption(value));
export const press = ({ page, key }) => tab(page).keyboard.press(key);
export const type = ({ page, text }) => tab(page).keyboard.type(text);
/** Turns the mouse wheel over an element; upwards with a negative distance, in pixels. */
export async function wheel({ page, selector, distance }) {
  await tab(page).locator(selector).hover();
  await tab(page).mouse.wheel(0, distance);
}
export const count = ({ page, selector }) => tab(page).locator(selector).count();
export const evaluate = ({ page, expression }) => tab(page).evaluate(expression);
export const offline = ({ page, on }) => tab(page).context().setOffline(on);
export const screenshot = async ({ page, file }) => void (await tab(page).screenshot({ path: file }));
export const problems = ({ page }) => pages.get(page).problems.splice(0);

export async function send({ page, text }) {
  await tab(page).locator('#message-input').fill(text);
  await tab(page).locator('#send-btn').click();
}

export function wait({ page, selector, text }) {
  const filter = text === undefined ? {} : { hasText: text };
  return tab(page).locator(selector, filter).first().waitFor();
}

/** Polls with `evaluate`, because a Content-Security-Policy stops Playwright's own `waitForFunction`. */
export async function waitUntil({ page, expression }) {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await tab(page).evaluate(expression))) {
    if (Date.now() > deadline) throw new Error(`not true within ${TIMEOUT_MS} ms`);
    await setTimeout(POLL_MS);
  }
}

/** Every message of the chat, in order: who wrote it, its text, whether more of it is being written. */
export function transcript({ page }) {
  return tab(page)
    .locator('#messages-container .message')
    .evaluateAll((messages) =>
      messages.map((message) => ({
        sender: ['user', 'ai', 'system'].find((sender) => message.classList.contains(sender)) ?? 'unknown',
        text: (message.querySelector('.bubble') ?? message).innerText.trim(),
        busy: message.getAttribute('aria-busy') === 'true',
      })),
    );
}

export async function accessibility({ page }) {
  await tab(page).evaluate(axe.source);
  const { violations } = await tab(page).evaluate(
    (tags) => globalThis.axe.run({ runOnly: { type: 'tag', values: tags } }),
    AXE_TAGS,
  );
  return violations.map(({ id, help, nodes }) => ({ rule: id, help, elements: nodes.map(({ target }) => target.join(' ')) }));
}

function tab(page) {
  const entry = pages.get(page);
  if (!entry) throw new Error(`page ${page} is not open`);
  return entry.tab;
}

function register(tab) {
  const problems = [];
  tab.setDefaultTimeout(TIMEOUT_MS);
  tab.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`));
  tab.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  tab.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    const isForeign = protocol !== 'data:' && protocol !== 'blob:' && host !== new URL(tab.url()).host;
    if (isForeign && tab.url() !== 'about:blank') problems.push(`request to another host: ${request.url()}`);
  });
  pages.set(++lastPage, { tab, problems });
  return lastPage;
}
