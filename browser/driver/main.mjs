// Runs Chromium for a test program. One JSON object a line, in and out; operations run side by side.
//   in   {"id": 1, "op": "open", "args": {"page": 1, "url": "http://..."}}
//   out  {"id": 1, "ok": <value>}  or  {"id": 1, "error": "<reason>"}
// Diagnostics go to standard error. The end of the input closes the browser.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import * as operations from './operations.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const [executablePath] = process.argv.slice(2);

// Playwright adds --headless and a fresh --user-data-dir, which it removes at the end.
const browser = await chromium.launch({ executablePath, args: FLAGS });

async function reply({ id, op, args }) {
  let answer;
  try {
    answer = { id, ok: (await operations[op](args, browser)) ?? null };
  } catch (error) {
    answer = { id, error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

for await (const line of createInterface({ input: process.stdin })) void reply(JSON.parse(line));
await browser.close();
