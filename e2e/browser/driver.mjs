// Drives one browser page for the stories: a JSON object a line in, one out.
//   in   {"op": "open", "url": "http://..."}
//   out  {"ok": <value>}  or  {"error": "<why>"}
// Diagnostics go to standard error. The end of the input closes the browser.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PATIENCE = 30_000;
const [executablePath] = process.argv.slice(2);

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);

/** What a person would find in the console, and requests that left the page's own host. */
const problems = [];
page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`));
page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
page.on('request', (request) => {
  const { protocol, host } = new URL(request.url());
  const isForeign = protocol !== 'data:' && protocol !== 'blob:' && host !== new URL(page.url()).host;
  if (isForeign && page.url() !== 'about:blank') problems.push(`foreign request: ${request.url()}`);
});

const operations = {
  open: ({ url }) => page.goto(url).then(() => null),
  reload: () => page.reload().then(() => null),

  async send({ text }) {
    await page.locator('#message-input').fill(text);
    await page.locator('#send-btn').click();
    return null;
  },

  /** Waits until an element that matches shows the text. */
  wait: ({ selector, text }) =>
    page
      .locator(selector, text === undefined ? {} : { hasText: text })
      .first()
      .waitFor()
      .then(() => null),

  count: ({ selector }) => page.locator(selector).count(),

  /** Every message on the page, in order: who wrote it, what it says, whether it is still being written. */
  transcript: () =>
    page.locator('#messages-container .message').evaluateAll((messages) =>
      messages.map((message) => ({
        sender: ['user', 'ai', 'system'].find((sender) => message.classList.contains(sender)) ?? 'unknown',
        text: (message.querySelector('.bubble') ?? message).innerText.trim(),
        busy: message.getAttribute('aria-busy') === 'true',
      })),
    ),

  offline: ({ on }) => context.setOffline(on).then(() => null),

  /** What went wrong since the last time this was asked. */
  problems: () => problems.splice(0),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...args } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: await operations[op](args) };
  } catch (error) {
    answer = { error: `${op}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
