// @vitest-environment jsdom
import { render } from 'preact';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { App } from '../src/view/app';
import { Boundary } from '../src/view/boundary';
import { blocks, html, plainText } from '../src/view/markdown';
import { at, FakeBrowser, stubView } from './fake-browser';

const SIZE = 45_000;
const times = (part: string, size = SIZE): string => part.repeat(Math.ceil(size / part.length)).slice(0, size);

/** Texts that overflow the stack of a parser without limits, or take it minutes. */
const HOSTILE: [string, string][] = [
  ['2,000 quotes in each other', '>'.repeat(2_000)],
  ['45,000 quotes in each other', times('>')],
  ['quotes with spaces', times('> ')],
  ['lists in each other', times('- ')],
  ['numbered lists in each other', times('1. ')],
  ['lists and quotes in each other', times('- > ')],
  ['lists that are indented ever deeper', Array.from({ length: 280 }, (_, depth) => `${' '.repeat(2 * depth)}- a`).join('\n')],
  ['a list item without an end', `- a\n${times('  b\n', 10_000)}`],
  ['emphasis that never ends', times('*a _b **c __d ')],
  ['emphasis that ends too often', `${times('_a __b ', SIZE / 2)}x${times('__ _', SIZE / 2)}`],
  ['emphasis in each other', `${times('*', SIZE / 2)}a${times('*', SIZE / 2)}`],
  ['underlines in words', times('_a')],
  ['brackets', times('[')],
  ['links in each other', `${times('[', SIZE / 4)}a${times('](b)')}`],
  ['images in each other', times('![')],
  ['code without an end', times('`a ')],
  ['backticks of every length', Array.from({ length: 290 }, (_, length) => `${'`'.repeat(length)}a`).join('')],
  ['tags without an end', times('<a b="')],
  ['comments without an end', times('<!--')],
  ['a table with 10,000 columns', `${times('|a', SIZE / 2)}|\n${times('|-', SIZE / 2)}|`],
  ['a table with 7,000 rows', `|a|b|\n|-|-|\n${times('|1|2|\n')}`],
  ['20,000 paragraphs', times('a\n\n')],
  ['a fence without an end', `\`\`\`js\n${times('x\n')}`],
  ['fences alone', times('```\n')],
  ['one long word', times('x')],
  ['one long space', `a${times(' ')}b`],
  ['an address that is none', `${times('a.')}@`],
  ['addresses with punctuation', `https://a.b/${times('?!.,')}`],
  ['headings', times('# a\n')],
  ['references', `[a]: https://b.example\n\n${times('[a]')}`],
  ['marks on one letter', `a${times('\u0301')}`],
  ['halves of surrogate pairs', times('\ud83d[x](https://a/\ud83d) ', 5_000)],
  ['overrides of direction', times('\u202e\u2066a')],
  ['NUL', times('\0')],
];

describe.each(HOSTILE)('%s', (_, text) => {
  test('is drawn, formatted or plain, and nothing of it is lost', { timeout: 20_000 }, () => {
    const shown = blocks(text);
    expect(shown.length).toBeLessThanOrEqual(1_001);
    for (const token of shown.slice(0, 50)) expect(html(token)).toMatch(/^</);
    expect(deepest(shown.slice(0, 50).map(html).join(''))).toBeLessThan(100);
  });
});

function deepest(markup: string): number {
  const template = document.createElement('template');
  template.innerHTML = markup;
  const depth = (node: Node): number => 1 + Math.max(0, ...[...node.childNodes].slice(0, 20).map(depth));
  return depth(template.content);
}

test('what is nested too deep keeps its text', () => {
  expect(plainText(`${'>'.repeat(2_000)} the end`)).toContain('the end');
  expect(plainText(`${'- '.repeat(2_000)}the end`)).toContain('the end');
  expect(plainText(`${'**a'.repeat(1_000)} <b> & the end`)).toContain('<b> & the end');
});

test('what is not excessive is formatted beside it', () => {
  const excessive = ['*a _b '.repeat(300), '>'.repeat(2_000), '- '.repeat(2_000)];
  const shown = blocks(`# Title\n\n${excessive.join('\n\n')}\n\nsome **bold** text`).map(html).join('');
  expect(shown.match(/<blockquote/g)).toHaveLength(16);
  expect(shown).toContain('<h2');
  expect(shown).toContain('<strong>bold</strong>');
});

describe('the page', () => {
  const root = document.createElement('div');
  beforeEach(() => {
    stubView();
    document.body.append(root);
  });
  afterEach(() => {
    render(null, root);
    vi.unstubAllGlobals();
  });

  const message = (seq: number, content: unknown, more = {}) => ({
    id: `m${seq}`, seq, sender: seq % 2 ? 'user' : 'ai', content, timestamp: at(seq), run: `r${seq}`, ...more,
  });

  /** The texts that the page shows for a history. */
  async function shown(messages: object[]): Promise<string[]> {
    const browser = new FakeBrowser();
    browser.respond = (request) =>
      request.path.endsWith('/sessions/s') ? { json: { messages, seq: messages.length } } : browser.defaultResponse(request);
    const chat = await browser.connected('http://localhost/chatbox/chat.html?session_id=s');
    render(<App chat={chat} state={chat.state} />, root);
    return [...root.querySelectorAll('.message')].map((element) => (element.querySelector('.bubble') ?? element).textContent?.trim() ?? '');
  }

  test('draws all other messages beside those that are hostile', { timeout: 30_000 }, async () => {
    const hostile = HOSTILE.slice(0, 8).map(([, text], index) => message(2 * index + 2, text));
    const questions = hostile.map((_, index) => message(2 * index + 1, `question ${index}`));
    const history = questions.flatMap((question, index) => [question, hostile[index]!]);
    const texts = await shown([...history, message(17, 'last question'), message(18, 'the **last** answer')]);
    expect(texts).toHaveLength(18);
    expect(texts[0]).toBe('question 0');
    expect(texts.slice(16)).toEqual(['last question', 'the last answer']);
  });

  test('draws a message with times and fields of every kind', async () => {
    const texts = await shown([
      message(1, 'one', { timestamp: 'nonsense' }),
      message(2, 'two', { timestamp: '+275760-09-13T00:00:00.001Z', status: 7 }),
      message(3, null, { sender: 'nobody' }),
      message(4, { text: 'x' }, { timestamp: {} }),
      message(5, 'five', { timestamp: at() }),
    ]);
    expect([texts[0], texts[1], texts.at(-1)]).toEqual(['one', 'two', 'five']);
  });

  test('shows as plain text what cannot be drawn, and all around it', async () => {
    const Broken = (): never => {
      throw new Error('cannot be drawn');
    };
    render(
      <main>
        <p>before</p>
        <Boundary fallback={<p>plain</p>}>
          <Broken />
        </Boundary>
        <p>after</p>
      </main>,
      root,
    );
    const texts = () => [...root.querySelectorAll('p')].map(({ textContent }) => textContent);
    await vi.waitFor(() => expect(texts()).toEqual(['before', 'plain', 'after']));
  });
});
