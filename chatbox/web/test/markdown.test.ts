// @vitest-environment jsdom
import { describe, expect, test } from 'vitest';
import { directionOf } from '../src/core/direction';
import { blocks, html, isCode, plainText, sanitize } from '../src/view/markdown';

function fragment(markup: string): DocumentFragment {
  const template = document.createElement('template');
  template.innerHTML = markup;
  return template.content;
}
const render = (text: string): DocumentFragment => fragment(blocks(text).map(html).join(''));

describe('HTML', () => {
  test.each([
    ['a script', 'a <script>alert(1)</script> b', 'script'],
    ['an image', 'a <img src="https://e.example/x" onerror="alert(1)"> b', 'img'],
    ['a form', '<form action="https://e.example"><input><button>x</button></form>', 'form, input, button'],
    ['a style sheet', '<style>@import "https://e.example"</style><p>x</p>', 'style'],
    ['a frame', '<iframe src="https://e.example"></iframe>', 'iframe'],
    ['SVG with code', '<svg onload="alert(1)"><a href="javascript:alert(1)"/></svg>', 'svg'],
    ['audio and video', '<video src="https://e.example"></video><audio src="https://e.example"></audio>', 'video, audio'],
    ['a base URL', '<base href="https://e.example"><link rel="stylesheet" href="https://e.example">', 'base, link'],
    ['attributes that run or fetch something', '<p style="background:url(https://e.example)" onclick="x()" id="message-input" class="bar">x</p>', '[style], [onclick], [id], [class]'],
  ])('with %s passes neither defence', (_, text, selector) => {
    expect(fragment(sanitize(text)).querySelector(selector)).toBeNull();
    expect(render(text).querySelector(selector)).toBeNull();
  });

  test('is shown as text', () => {
    const content = render('Use <img src="x" onerror="y()"> or\n\n<form action="/x">\nA &amp; B\n</form>');
    expect(content.textContent).toContain('Use <img src="x" onerror="y()"> or');
    expect(content.textContent).toContain('<form action="/x">\nA & B');
  });

  test('of a few inline tags without attributes is rendered', () => {
    expect(render('H<sub>2</sub>O<br/>x<SUP>2</SUP>').querySelectorAll('sub, br, sup')).toHaveLength(3);
    expect(render('<b onclick="x()">no</b>').querySelector('b')).toBeNull();
  });
});

describe('an answer', () => {
  test.each([
    ['[x](javascript:alert(1))'],
    ['[x](data:text/html,x)'],
    ['<a href="vbscript:x">x</a>'],
    ['<a href="//e.example">x</a>'],
    ['<a href="java\nscript:alert(1)">x</a>'],
  ])('has no link target for %j', (text) => {
    expect(render(text).querySelector('[href]')).toBeNull();
    expect(fragment(sanitize(text)).querySelector('[href]')).toBeNull();
  });

  test.each(['[x](https://e.example/)', '<https://e.example/>', 'see https://e.example/', '![x](https://e.example/)'])(
    'links safely: %s',
    (text) => {
      const link = render(text).querySelector('a');
      expect(link?.getAttributeNames().sort()).toEqual(['href', 'rel', 'target']);
      expect(link?.rel).toBe('noopener noreferrer nofollow');
      expect(link?.target).toBe('_blank');
    },
  );

  test('has a link instead of an image, with its description', () => {
    const content = render('![a "cat" <b>](https://e.example/cat.png)');
    expect(content.querySelector('img')).toBeNull();
    expect(content.querySelector('a')?.textContent).toBe('a "cat" <b>');
  });

  test('keeps its structure', () => {
    const content = render('# One\n\n3. c\n4. d\n\n| a | b |\n|--|--:|\n| 1 | 2 |\n\n- [x] done');
    expect(content.querySelector('h1')).toBeNull();
    expect(content.querySelector('h2')?.textContent).toBe('One');
    expect(content.querySelector('ol')?.getAttribute('start')).toBe('3');
    expect(content.querySelector('td[align="right"]')?.textContent).toBe('2');
    expect(content.querySelector('table')?.tabIndex).toBe(0);
    expect(content.textContent).toContain('☑ done');
  });

  test('skips no heading level', () => {
    const headings = render('### One\n\n##### Two\n\n# Three\n\n### Four').querySelectorAll('h2, h3, h4, h5, h6');
    expect([...headings].map(({ tagName }) => tagName)).toEqual(['H2', 'H3', 'H2', 'H3']);
  });

  test('keeps only safe attributes of a link', () => {
    const link = fragment(sanitize('<a href="https://e.example/" target="_self" rel="opener" onclick="x()">x</a>')).querySelector('a');
    expect([link?.target, link?.rel, link?.hasAttribute('onclick')]).toEqual(['_blank', 'noopener noreferrer nofollow', false]);
  });

  test('has its code as a separate block, even before the code ends', () => {
    const [words, code] = blocks('Look:\n\n```rust\nfn main() {');
    expect(words && isCode(words)).toBe(false);
    expect(code && isCode(code) && [code.lang, code.text]).toEqual(['rust', 'fn main() {']);
  });

  test('changes only in its last blocks while it grows', () => {
    const before = blocks('# One\n\nsome te');
    const after = blocks('# One\n\nsome text\n\n- item');
    expect(after[0]?.raw).toBe(before[0]?.raw);
  });

  test('has a text without formatting for screen readers', () => {
    expect(plainText('## Yes\n\nIt **works** &amp; [so on](https://e.example)')).toBe('Yes It works & so on');
  });
});

describe('the direction', () => {
  const directions = (text: string, selector: string) =>
    [...render(text).querySelectorAll(selector)].map((element) => element.getAttribute('dir'));

  test('of a paragraph, a heading and a cell is that of its text', () => {
    expect(directions('# שלום\n\nhello\n\nمرحبا\n\n| a | ب |\n|--|--|\n| 1 | 2 |', 'h2, p, th, td')).toEqual(Array(7).fill('auto'));
  });

  test('of a list, an item, a quote and a table is that of the first letter in them', () => {
    const text = '- **مرحبا** hello\n- hello مرحبا\n\n> - שלום\n\n| - | ب |\n|--|--|\n| 1 | 2 |\n\n1. one\n\n   اثنان';
    expect(directions(text, 'ul, li, blockquote, table, ol')).toEqual(['rtl', 'rtl', 'ltr', 'rtl', 'rtl', 'rtl', 'rtl', 'ltr', 'ltr']);
  });

  test.each([
    ['مرحبا', 'rtl'],
    ['3. «שלום»', 'rtl'],
    ['ދިވެހި', 'rtl'],
    ['Ärger مرحبا', 'ltr'],
    ['日本語', 'ltr'],
    ['123 😀', 'ltr'],
    ['', 'ltr'],
  ])('of "%s" is %s', (text, expected) => expect(directionOf(text)).toBe(expected));
});
