// @vitest-environment jsdom
/** The page while a human answers, or is asked for. */
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Chat } from '../src/shell/chat';
import { App } from '../src/view/app';
import { at, FakeBrowser, type FakeSocket, freshBrowser, stubView } from './fake-browser';

const root = document.createElement('div');
freshBrowser();
beforeEach(() => {
  stubView();
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  document.body.append(root);
});
afterEach(() => {
  act(() => render(null, root));
  root.remove();
});

const TWO = { models: [{ id: 'fast', name: 'Fast' }, { id: 'good', name: 'Good' }] };
const GRACE = { metadata: { admin_id: 'grace', admin_name: 'Grace' } };
const LOADING = { type: 'loading', run: 'r3', fence: 2, question: 1 };

class Page {
  private seq = 0;
  constructor(private readonly chat: Chat, readonly socket: FakeSocket) {}

  draw(): void {
    act(() => render(<App chat={this.chat} state={this.chat.state} />, root));
  }

  receive(frame: object): void {
    this.socket.receive({ timestamp: at(), ...frame });
    this.draw();
  }

  /** A stored message, with the next number. */
  store(frame: object): void {
    this.seq += 1;
    this.receive({ id: `m${this.seq}`, seq: this.seq, content: '', ...frame });
  }

  ask = (content = 'Question') => this.store({ type: 'user_message', content });
  answer = (more = {}) =>
    this.store({ type: 'ai_response', off: 0, run: 'r2', fence: 1, status: 'complete', content: 'Answer', question: 1, model_id: 'fast', metadata: { done: 'true' }, ...more });
  join = (more: object = GRACE) => this.store({ type: 'admin_join', sender: 'admin', fence: 3, content: 'Grace has joined.', ...more });
  leave = () => this.store({ type: 'admin_leave', sender: 'admin', fence: 4, content: 'Grace has left.', ...GRACE });
  say = (content: string) => this.store({ type: 'user_message', sender: 'admin', content, ...GRACE });

  find = (selector: string) => root.querySelector<HTMLElement>(selector);
  text = (selector: string) => this.find(selector)?.textContent;

  click(selector: string): void {
    this.find(selector)?.focus();
    act(() => this.find(selector)?.click());
    this.draw();
  }

  type(text: string): void {
    const field = this.find('#message-input') as HTMLTextAreaElement;
    field.value = text;
    act(() => void field.dispatchEvent(new InputEvent('input', { bubbles: true })));
  }

  get helpButton(): HTMLButtonElement {
    return this.find('#help-btn') as HTMLButtonElement;
  }

  get messages(): string[] {
    return [...root.querySelectorAll('.message')].map((it) => (it.querySelector('.bubble') ?? it).textContent.trim());
  }

  sent(type: string): object[] {
    return this.socket.sent.filter((frame) => frame.type === type);
  }

  pass(ms: number): void {
    act(() => void vi.advanceTimersByTime(ms));
    this.draw();
  }
}

async function open(browser = new FakeBrowser()): Promise<Page> {
  const page = new Page(await browser.connected(undefined, TWO), await browser.socket(1));
  page.draw();
  return page;
}

/** A page with a question and its answer, and a member of staff. */
async function assisted(): Promise<Page> {
  const page = await open();
  page.ask();
  page.answer();
  page.join();
  return page;
}

describe('while a member of staff is there', () => {
  test('their name stands in the place of the models, until they leave', async () => {
    const page = await assisted();
    expect(page.text('#admin-name-display')).toBe('Assisted by Grace');
    expect(page.find('#model-selector')).toBeNull();
    expect(page.find('#message-input')?.getAttribute('placeholder')).toBe('Message Grace');
    expect(document.title).toBe('Chat with Grace');
    page.leave();
    expect(page.find('#admin-name-display')).toBeNull();
    expect(page.find('#model-selector')).not.toBeNull();
    expect(page.messages).toEqual(['Question', 'Answer', 'Grace has joined.', 'Grace has left.']);
    expect([...root.querySelectorAll('.system bdi')].map(({ textContent }) => textContent)).toEqual(['Grace', 'Grace']);
  });

  test('a name that is not known is none of a model', async () => {
    const page = await open();
    page.join({ content: '' });
    expect(page.text('#admin-name-display')).toBe('Assisted by Our team');
    expect(page.messages).toEqual(['Our team has joined the conversation.']);
  });

  test('no answer is waited for, and nothing is written anew or in other words, then or later', async () => {
    const page = await assisted();
    const none = () => expect(root.querySelectorAll('.typing, #stop-btn, .edit, .quiet, .retry')).toHaveLength(0);
    none();
    page.ask('Are you there?');
    none();
    page.say('Yes.');
    none();
    page.leave();
    none();
    page.ask('And you, model?');
    expect(page.find('#stop-btn')).not.toBeNull();
  });

  test('what they say is a bubble with their name, as they wrote it, and is announced', async () => {
    const page = await assisted();
    page.say('*Hello*');
    const message = [...root.querySelectorAll('.message')].at(-1);
    expect(message?.className).toBe('message ai');
    expect(message?.querySelector('.bubble')?.textContent).toBe('*Hello*');
    expect(message?.querySelector('.meta')?.textContent).toContain('Grace');
    expect(page.text('p[aria-live]')).toBe('Grace says: *Hello*');
  });

  test('an answer that they cut off says so', async () => {
    const page = await open();
    page.ask();
    page.receive({ ...LOADING, fence: 1 });
    page.answer({ run: 'r3', status: 'superseded', content: 'Once' });
    page.join();
    expect(page.messages).toEqual(['Question', 'Once', 'Grace has joined.']);
    expect(page.text('.failure.remark')).toBe('A member of our staff took over.');
    expect(page.find('.retry')).toBeNull();
  });

  test('a reload shows the same', async () => {
    const browser = new FakeBrowser();
    const entry = { timestamp: at(), sender: 'user', content: 'Question' };
    const messages = [
      { ...entry, id: 'm1', seq: 1 },
      { ...entry, id: 'm2', seq: 2, sender: 'admin', kind: 'admin_join', content: 'Grace has joined.', ...GRACE },
      { ...entry, id: 'm3', seq: 3, sender: 'admin', content: 'Hello', ...GRACE },
      { ...entry, id: 'm4', seq: 4, kind: 'of_a_later_release' },
    ];
    browser.respond = (request) =>
      request.path.endsWith('/sessions/s') ? { json: { messages, seq: 4 } } : browser.defaultResponse(request);
    const page = new Page(await browser.connected('http://localhost/chatbox/chat.html?session_id=s', TWO), await browser.socket(1));
    page.receive({ type: 'connection_status', seq: 4, metadata: { op: 'caught_up' } });
    expect(page.messages).toEqual(['Question', 'Grace has joined.', 'Hello']);
    expect(page.text('#admin-name-display')).toBe('Assisted by Grace');
    expect(page.helpButton.disabled).toBe(true);
    expect(page.socket.sent).toEqual([]);
  });
});

test('a message of a type that is not known is counted, not shown, and never asked for again', async () => {
  const page = await open();
  page.ask();
  page.store({ type: 'of_a_later_release', content: 'x' });
  page.answer();
  expect(page.messages).toEqual(['Question', 'Answer']);
  expect(page.socket.sent).toEqual([]);
});

describe('a human', () => {
  const CONFIRMED = { type: 'connection_status', metadata: { op: 'help' } };

  test('is asked for once, and the message that says so stays', async () => {
    const page = await open();
    page.click('#help-btn');
    expect(page.helpButton.disabled).toBe(true);
    expect(document.activeElement?.id).toBe('message-input');
    expect(page.messages).toContain('Asking for a human…');
    page.click('#help-btn');
    expect(page.sent('help_request')).toHaveLength(1);
    page.receive(CONFIRMED);
    expect(page.helpButton.disabled).toBe(true);
    page.store({ type: 'help_request', content: 'I would like to talk to somebody.' });
    expect(page.messages).toEqual(['You have asked to talk to a human.']);
    expect(page.helpButton.disabled).toBe(true);
    page.join();
    page.leave();
    expect(page.helpButton.disabled).toBe(false);
  });

  test('can be asked for by another device', async () => {
    const page = await open();
    page.store({ type: 'help_request' });
    expect(page.helpButton.disabled).toBe(true);
  });

  test.each([
    ['DATABASE_ERROR', 'We could not reach our staff. Please try again.'],
    ['INVALID_FORMAT', 'We could not reach our staff. Please try again.'],
    ['TOO_MANY_REQUESTS', 'Too many messages in a short time. Please wait a moment.'],
  ])('who cannot be asked for (%s) may be asked for again', async (code, notice) => {
    const page = await open();
    page.click('#help-btn');
    page.receive({ type: 'error', session_id: page.sent('help_request').map((it) => (it as { session_id: string }).session_id)[0], error: { code, recoverable: false } });
    expect(page.messages).toEqual([notice]);
    expect(page.helpButton.disabled).toBe(false);
  });
});

describe('who is writing', () => {
  const TYPING = { type: 'typing_indicator', sender: 'admin' };

  test('is told to staff alone, every two seconds at most', async () => {
    const page = await open();
    page.type('H');
    expect(page.sent('typing_indicator')).toHaveLength(0);
    page.join();
    for (const text of ['He', 'Hel', 'Hell']) page.type(text);
    expect(page.sent('typing_indicator')).toHaveLength(1);
    page.pass(2_000);
    page.type('Hello');
    expect(page.sent('typing_indicator')).toHaveLength(2);
    page.leave();
    page.pass(2_000);
    page.type('Hello!');
    expect(page.sent('typing_indicator')).toHaveLength(2);
  });

  test('is shown for five seconds, and until their message comes', async () => {
    const page = await assisted();
    page.receive({ ...TYPING, sender: 'user' });
    expect(page.find('#staff-typing')).toBeNull();
    page.receive(TYPING);
    expect(page.text('#staff-typing')).toBe('Grace is writing…');
    page.pass(4_000);
    page.receive(TYPING);
    page.pass(4_900);
    expect(page.text('#staff-typing')).toBe('Grace is writing…');
    page.pass(200);
    expect(page.find('#staff-typing')).toBeNull();
    page.receive(TYPING);
    page.say('Hello');
    expect(page.find('#staff-typing')).toBeNull();
    page.receive(TYPING);
    page.leave();
    expect(page.find('#staff-typing')).toBeNull();
  });
});
