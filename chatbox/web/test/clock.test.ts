// @vitest-environment jsdom
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { at, FakeBrowser, freshBrowser, SERVER_TIME } from './fake-browser';

const MINUTES = 60_000;
const YEARS = 365 * 24 * 60 * MINUTES;

freshBrowser();

describe.each([
  ['5 minutes ahead', 5 * MINUTES],
  ['90 minutes ahead', 90 * MINUTES],
  ['90 minutes behind', -90 * MINUTES],
  ['10 years ahead', 10 * YEARS],
  ['at its start, as with an empty battery', -SERVER_TIME],
])('a visitor whose clock is %s', (_, offset) => {
  beforeEach(() => vi.setSystemTime(SERVER_TIME + offset));

  test('can send, and no time of theirs reaches the server', async () => {
    const browser = new FakeBrowser();
    const chat = await browser.connected();
    chat.send('hello');
    const { sent } = await browser.socket(1);
    expect(sent).toMatchObject([{ type: 'user_message', content: 'hello' }]);
    expect(sent[0]).not.toHaveProperty('timestamp');
  });

  test('sees the times of the server', async () => {
    const browser = new FakeBrowser();
    const chat = await browser.connected();
    chat.send('hello');
    const written = Date.parse(chat.state.conversation.outbox.entries[0]?.at ?? '');
    expect(Math.abs(written - SERVER_TIME)).toBeLessThan(MINUTES);
    const socket = await browser.socket(1);
    socket.receive({ type: 'connection_status', client_id: socket.sent[0]?.client_id, id: 'm1', seq: 1, timestamp: at(7), metadata: { op: 'ack' } });
    expect(chat.state.conversation.transcript.messages[0]?.at).toBe(at(7));
    expect(Math.abs(chat.now() - SERVER_TIME)).toBeLessThan(MINUTES);
  });

  test('renews a token when the server\'s time for it has come, not every time', async () => {
    const browser = new FakeBrowser();
    await browser.connected();
    expect(browser.count('POST', '/guest')).toBe(1);
    await vi.advanceTimersByTimeAsync(58 * MINUTES);
    expect(browser.count('POST', '/guest')).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * MINUTES);
    expect(browser.count('POST', '/guest')).toBe(2);
  });
});

test('a machine that has slept does not believe that no time has passed', async () => {
  const browser = new FakeBrowser();
  const chat = await browser.connected();
  const before = chat.now();
  // Monotonic time stands still, the visitor's clock goes on.
  vi.setSystemTime(Date.now() + 8 * 60 * MINUTES);
  expect(chat.now() - before).toBeGreaterThanOrEqual(8 * 60 * MINUTES);
  (await browser.socket(1)).end(1006);
  await browser.socket(2);
  expect(browser.count('POST', '/guest')).toBe(2);
});

test.each([-90 * MINUTES, 90 * MINUTES])('deadlines do not move with a clock that is set by %d ms', async (jump) => {
  const browser = new FakeBrowser();
  const chat = await browser.connected();
  chat.send('hello');
  const { sent } = await browser.socket(1);
  vi.setSystemTime(Date.now() + jump);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual(sent[0]);
});
