// @vitest-environment jsdom
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
  document.body.append(root);
});
afterEach(() => {
  act(() => render(null, root));
  root.remove();
});

const TWO = { models: [{ id: 'fast', name: 'Fast' }, { id: 'good', name: 'Good' }] };

/** A page with a question and its answer. */
async function open({ hello = TWO, isFine = true, answer = {} }: { hello?: object; isFine?: boolean; answer?: object } = {}) {
  vi.stubGlobal('matchMedia', () => ({ matches: isFine }));
  const browser = new FakeBrowser();
  const chat = await browser.connected(undefined, hello);
  const socket = await browser.socket(1);
  const page = new Page(chat, socket, browser);
  page.receive({ type: 'user_message', id: 'm1', seq: 1, content: 'Question', timestamp: at() });
  page.receive({ ...END, id: 'm2', seq: 2, run: 'r2', fence: 1, content: 'Answer', question: 1, model_id: 'fast', ...answer });
  return page;
}
const END = { type: 'ai_response', off: 0, status: 'complete', timestamp: at(), metadata: { done: 'true' } };
const LOADING = { type: 'loading', run: 'r3', fence: 2, question: 1, timestamp: at() };

class Page {
  constructor(private readonly chat: Chat, readonly socket: FakeSocket, readonly browser: FakeBrowser) {}

  draw(): void {
    act(() => render(<App chat={this.chat} state={this.chat.state} />, root));
  }

  receive(frame: object): void {
    this.socket.receive(frame);
    this.draw();
  }

  find<T extends HTMLElement = HTMLElement>(selector: string): T | null {
    return root.querySelector<T>(selector);
  }

  get<T extends HTMLElement = HTMLElement>(selector: string): T {
    const found = this.find<T>(selector);
    if (!found) throw new Error(`no ${selector}`);
    return found;
  }

  click(selector: string): void {
    this.get(selector).focus();
    act(() => this.get(selector).click());
    this.draw();
  }

  /** `false` when something has prevented what the key does in the browser. */
  press(key: string, target: EventTarget = document.activeElement ?? document.body, more: object = {}): boolean {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
    act(() => void target.dispatchEvent(event));
    this.draw();
    return !event.defaultPrevented;
  }

  type(selector: string, text: string): void {
    const field = this.get<HTMLTextAreaElement>(selector);
    field.value = text;
    act(() => void field.dispatchEvent(new InputEvent('input', { bubbles: true })));
  }

  choose(model: string): void {
    const select = this.get<HTMLSelectElement>('#model-selector');
    select.value = model;
    act(() => void select.dispatchEvent(new Event('change', { bubbles: true })));
    this.draw();
  }

  get messages(): string[] {
    return [...root.querySelectorAll('.message')].map((it) => (it.querySelector('.bubble') ?? it).textContent.trim());
  }

  get lastSent(): unknown {
    return this.socket.sent.at(-1);
  }

  get focus(): string {
    const { id = '', className = '' } = document.activeElement ?? {};
    return id || className;
  }

  get announced(): string {
    return this.get('p[aria-live]').textContent;
  }
}

describe('the choice of a model', () => {
  test('is hidden where there is one', async () => {
    const page = await open({ hello: { models: TWO.models.slice(1) } });
    expect(page.find('#model-selector-container')).toBeNull();
    expect(page.get('h1').textContent).toBe('Good');
    expect(page.find('.model')).toBeNull();
  });

  test('names all of them, and who gave each answer', async () => {
    const page = await open();
    const options = [...page.get<HTMLSelectElement>('#model-selector').options].map(({ value, text }) => [value, text]);
    expect(options).toEqual([['fast', 'Fast'], ['good', 'Good']]);
    expect(page.get('label[for=model-selector]').textContent).toBe('Model');
    expect(page.get('.message.ai .model').textContent).toBe('Fast');
  });

  test('an answer of a model that is not configured any more is named by its id', async () => {
    expect((await open({ answer: { model_id: 'gone' } })).get('.model').textContent).toBe('gone');
  });

  test('is sent, and shows what the server says', async () => {
    const page = await open();
    const select = page.get<HTMLSelectElement>('#model-selector');
    page.choose('good');
    expect(page.lastSent).toMatchObject({ type: 'model_select', model_id: 'good' });
    expect([select.value, page.get<HTMLTextAreaElement>('#message-input').placeholder]).toEqual(['good', 'Message Good']);
    page.receive({ type: 'connection_status', model_id: 'good', metadata: { op: 'model' } });
    page.receive({ type: 'connection_status', model_id: 'fast', metadata: { op: 'model' } });
    expect(select.value).toBe('fast');
  });

  test('goes back when the server refuses it, with a word', async () => {
    const page = await open();
    page.choose('good');
    page.receive({ type: 'error', session_id: session(page), error: { code: 'INVALID_FORMAT', recoverable: false } });
    expect(page.get<HTMLSelectElement>('#model-selector').value).toBe('fast');
    expect(page.get('[role=status].visually-hidden').textContent).toContain('not available any more');
    expect(page.messages.at(-1)).toContain('not available any more');
  });

  test('a refusal does not hold up the next connection', async () => {
    const page = await open();
    page.choose('good');
    page.receive({ type: 'error', session_id: session(page), error: { code: 'TOO_MANY_REQUESTS', recoverable: true, retry_after: 60_000 } });
    page.socket.end(1001);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(page.browser.sockets).toHaveLength(2);
  });
});

describe('stopping', () => {
  test('is offered while an answer is waited for and written, and by Escape', async () => {
    const page = await open();
    expect(page.find('#stop-btn')).toBeNull();
    expect(page.press('Escape')).toBe(true);
    page.receive(LOADING);
    expect(page.press('Escape')).toBe(false);
    expect(page.lastSent).toMatchObject({ run: 'r3', metadata: { op: 'cancel' } });
    expect(page.get('#stop-btn').getAttribute('aria-disabled')).toBe('true');
  });

  test('leaves room for another message', async () => {
    const page = await open();
    page.receive(LOADING);
    expect(page.find('#send-btn')).toBeNull();
    page.type('#message-input', 'more');
    expect(page.find('#send-btn') && page.find('#stop-btn')).not.toBeNull();
  });

  test('twice asks once, and the focus goes on when the answer has ended', async () => {
    for (const [isFine, home] of [[true, 'message-input'], [false, 'messages-container']] as const) {
      const page = await open({ isFine });
      page.receive(LOADING);
      const before = page.socket.sent.length;
      page.click('#stop-btn');
      page.click('#stop-btn');
      expect(page.socket.sent.length - before).toBe(1);
      expect(page.focus).toBe('stop-btn');
      page.receive({ ...END, id: 'm3', seq: 3, run: 'r3', fence: 2, content: '', question: 1, status: 'cancelled', model_id: 'fast' });
      expect(page.focus).toBe(home);
      expect(page.get('.failure').textContent).toContain('You stopped this answer.');
      expect(page.announced).toBe('Answer stopped');
      act(() => render(null, root));
    }
  });

  test.each([
    ['of an input method', { isComposing: true }],
    ['that an input method has handled', { keyCode: 229 }],
    ['that is held down', { repeat: true }],
  ])('is not meant by an Escape %s', async (_, more) => {
    const page = await open();
    page.receive(LOADING);
    page.press('Escape', document.body, more);
    expect(page.get('#stop-btn').getAttribute('aria-disabled')).toBe('false');
  });

  test.each([
    ['is not meant', 'that closes the list of models', () => true, 'false'],
    ['is not meant', 'where the browser does not say whether that is open', () => { throw new SyntaxError(); }, 'false'],
    ['is meant', 'beside it', () => false, 'true'],
  ])('%s by an Escape %s', async (_, __, matches, expected) => {
    const page = await open();
    page.receive(LOADING);
    const select = page.get('#model-selector');
    vi.spyOn(select, 'matches').mockImplementation(matches);
    page.press('Escape', select);
    expect(page.get('#stop-btn').getAttribute('aria-disabled')).toBe(expected);
  });
});

describe('another answer', () => {
  test('takes the place of the old one when it begins, and the focus goes on', async () => {
    const page = await open();
    page.click('.message.ai .quiet');
    expect(page.lastSent).toMatchObject({ seq: 2, metadata: { op: 'regenerate' } });
    expect(page.messages).toEqual(['Question', 'Answer']);
    expect(page.get('.message.ai .quiet').getAttribute('aria-disabled')).toBe('true');
    page.receive(LOADING);
    expect(page.messages).toEqual(['Question', '']);
    expect(page.focus).toBe('message-input');
    page.receive({ ...END, id: 'm3', seq: 3, run: 'r3', fence: 2, content: 'Better', question: 1, model_id: 'good' });
    expect(page.messages).toEqual(['Question', 'Better']);
    expect(page.announced).toBe('Good says: Better');
  });

  test('that is refused leaves the old one, with a word, and the focus where it was', async () => {
    const page = await open();
    page.click('.message.ai .quiet');
    page.receive({ type: 'error', session_id: session(page), error: { code: 'SERVICE_ERROR', recoverable: true, retry_after: 2_000 } });
    expect(page.messages).toEqual(['Question', 'Answer', 'Please wait until the answer is finished, or stop it.']);
    expect(page.focus).toBe('quiet');
  });

  test.each(['failed', 'interrupted', 'cancelled', 'length', 'refusal'])('is offered for one that ended as %s, also without a word', async (status) => {
    const page = await open({ answer: { status, content: '' } });
    page.click('.failure .retry');
    expect(page.lastSent).toMatchObject({ seq: 2, metadata: { op: 'regenerate' } });
  });

  test('of another model is offered even where the question should be changed', async () => {
    const blocked = { answer: { status: 'content_filter', content: '' } };
    expect((await open(blocked)).find('.message.ai .quiet')).not.toBeNull();
    act(() => render(null, root));
    expect((await open({ ...blocked, hello: {} })).find('.message.ai .quiet')).toBeNull();
  });
});

describe('the newest question', () => {
  const EDITOR = '.editor textarea';

  test('is edited in its place, and sent by Enter as the one that stands for it', async () => {
    const page = await open();
    page.click('.edit');
    expect(document.activeElement).toBe(page.get(EDITOR));
    expect(page.get<HTMLTextAreaElement>(EDITOR).value).toBe('Question');
    page.type(EDITOR, 'Better question');
    page.press('Enter', page.get(EDITOR), { shiftKey: true });
    expect(page.find('.editor')).not.toBeNull();
    page.press('Enter', page.get(EDITOR));
    expect(page.lastSent).toMatchObject({ type: 'user_message', content: 'Better question', replaces: 1 });
    expect(page.messages).toEqual(['Better question']);
    expect(page.focus).toBe('message-input');
    const [{ client_id }] = page.socket.sent.slice(-1) as [{ client_id: string }];
    page.receive({ type: 'connection_status', client_id, id: 'm3', seq: 3, timestamp: at(), metadata: { op: 'ack' } });
    expect(page.messages).toEqual(['Better question']);
    expect(page.find('.editor')).toBeNull();
  });

  test('stays as it was after an Escape, which stops nothing, and the focus returns', async () => {
    const page = await open();
    page.click('.edit');
    page.type(EDITOR, 'Other');
    expect(page.press('Escape', page.get(EDITOR))).toBe(false);
    expect(page.messages).toEqual(['Question', 'Answer']);
    expect(page.focus).toContain('edit');
    expect(page.get<HTMLTextAreaElement>('#message-input').value).toBe('');
  });

  test('is there again when the change is rejected, and its text is kept', async () => {
    const page = await open();
    page.click('.edit');
    page.type(EDITOR, 'Other');
    page.click('.editor .primary');
    const [{ client_id }] = page.socket.sent.slice(-1) as [{ client_id: string }];
    page.receive({ type: 'error', session_id: session(page), client_id, error: { code: 'INVALID_FORMAT', recoverable: false } });
    expect(page.messages).toEqual(['Question', 'Answer', 'Other']);
    expect(page.get('[data-state=rejected] .meta').textContent).toContain('Not changed: the message is no longer the newest one');
    expect(page.find('.editor')).toBeNull();
  });

  test('cannot be changed while an answer is written, and what was typed is kept', async () => {
    const page = await open();
    page.click('.edit');
    page.type(EDITOR, 'Other');
    page.receive(LOADING);
    expect(page.get<HTMLButtonElement>('.editor .primary').disabled).toBe(true);
    expect(page.get('#editor-hint').textContent).toBe('This message cannot be changed at the moment.');
    page.press('Escape', page.get(EDITOR));
    expect(page.find('.edit')).toBeNull();
    expect(page.focus).toBe('message-input');
    expect(page.get('#stop-btn').getAttribute('aria-disabled')).toBe('false');
  });

  test('that another device has replaced leaves what was typed in the composer', async () => {
    const page = await open();
    page.click('.edit');
    page.type(EDITOR, 'Typed here');
    page.receive({ type: 'user_message', id: 'm3', seq: 3, content: 'Typed there', replaces: 1, timestamp: at() });
    expect(page.messages).toEqual(['Typed there']);
    expect(page.get<HTMLTextAreaElement>('#message-input').value).toBe('Typed here');
    expect(page.focus).toBe('message-input');
  });

  test('is held to the limit of the server', async () => {
    const page = await open({ hello: { ...TWO, limits: { message_chars: 10 } } });
    page.click('.edit');
    page.type(EDITOR, 'x'.repeat(11));
    expect(page.get('#editor-hint').textContent).toContain('1 too many to send');
    expect(page.get<HTMLButtonElement>('.editor .primary').disabled).toBe(true);
  });

  test('is edited from the answer that says it should be', async () => {
    const page = await open({ answer: { status: 'content_filter', content: '' } });
    page.click('.failure .retry');
    expect(page.get<HTMLTextAreaElement>(EDITOR).value).toBe('Question');
  });
});

test('a change that waits is kept for the next page', async () => {
  const page = await open();
  page.socket.end(1006);
  page.draw();
  page.click('.edit');
  page.type('.editor textarea', 'Other');
  page.click('.editor .primary');
  const [, kept] = Object.entries(localStorage).find(([key]) => key.includes('pending')) ?? [];
  expect(JSON.parse(kept as string)).toMatchObject({ content: 'Other', replaces: 1 });
});

test('a change moves to the session of a new guest as a message of its own', async () => {
  const page = await open();
  page.click('.edit');
  page.type('.editor textarea', 'Other');
  page.click('.editor .primary');
  const { browser } = page;
  browser.respond = (request) => (request.token?.startsWith('guest-1') ? { status: 401 } : browser.defaultResponse(request));
  page.socket.end(4014);
  const second = await browser.socket(2);
  second.hello();
  expect(second.sent).toMatchObject([{ content: 'Other' }]);
  expect(second.sent[0]).not.toHaveProperty('replaces');
});

function session(page: Page): string {
  return new URL(page.socket.url).searchParams.get('session_id') ?? '';
}
