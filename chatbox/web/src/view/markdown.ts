/**
 * Markdown to safe HTML. Answers are not trusted, so there are two defences: HTML in an answer is shown as text, except
 * for a few tags without attributes, and the HTML that Markdown produces goes through a sanitizer.
 */

import createPurifier, { type DOMPurify } from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';
import { directionOf } from '../core/direction';
import { lex } from './markdown-lexer';

const TAGS = [
  'p', 'br', 'hr', 'strong', 'em', 'del', 's', 'b', 'i', 'u', 'sub', 'sup', 'kbd', 'mark', 'code', 'pre', 'blockquote',
  'ul', 'ol', 'li', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'a',
];
const ATTRIBUTES = ['href', 'title', 'start', 'align'];
/** No scheme that runs code. Nothing is fetched until the user follows a link. */
const LINKS = /^(?:https?:\/\/|mailto:|tel:)/i;
/** Tags that are common inside Markdown, in the form that `escape` gives them. */
const INLINE_TAGS = /&#60;(\/?(?:br|b|i|u|s|em|strong|del|sub|sup|kbd|mark))\s*\/?&#62;/gi;
/** The page has a first-level heading of its own. */
const HEADING_OFFSET = 1;

/** Limits of what is formatted, in UTF-16 units and blocks. */
const MAX_LENGTH = 50_000;
const MAX_BLOCKS = 1_000;
const MAX_BLOCK_LENGTH = 20_000;
/** Texts that take longer than this share a budget, so that a chat full of them still opens; then long ones are plain. */
const SLOW_MS = 200;
const SLOW_BUDGET_MS = 3_000;
const LONG = 5_000;
let slowMs = 0;

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    heading({ tokens, depth }) {
      const level = Math.min(depth + HEADING_OFFSET, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    html: ({ text }) => escape(text).replace(INLINE_TAGS, '<$1>'),
    // An image would be fetched from another host. A link with its description takes its place.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

const purifier = withHooks(createPurifier(window));

/** The top-level blocks of a text. While it grows, only the last ones change. What cannot be formatted is plain. */
export function blocks(text: string): Token[] {
  if (text.length > (slowMs > SLOW_BUDGET_MS ? LONG : MAX_LENGTH)) return [plain(text)];
  const start = performance.now();
  try {
    const tokens = lex(text, marked.defaults).filter(({ type }) => type !== 'space' && type !== 'def');
    const rest = tokens.slice(MAX_BLOCKS).map(({ raw }) => raw).join('');
    const drawn = tokens.slice(0, MAX_BLOCKS).map((token) => (isTooBig(token) ? plain(token.raw) : token));
    return withoutSkippedLevels(rest ? [...drawn, plain(rest)] : drawn);
  } catch {
    return [plain(text)];
  } finally {
    const took = performance.now() - start;
    if (took > SLOW_MS) slowMs += took;
  }
}

function plain(text: string): Token {
  return { type: 'plain', raw: text, text };
}

function isTooBig(token: Token): boolean {
  return token.raw.length > MAX_BLOCK_LENGTH && !isCode(token);
}

/** Screen readers navigate by heading levels, and models like to begin with the third one. */
function withoutSkippedLevels(tokens: Token[]): Token[] {
  let level = 0;
  return tokens.map((token) => {
    if (token.type !== 'heading') return token;
    level = Math.min(token.depth, level + 1);
    return { ...token, depth: level };
  });
}

export function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}

export function isPlain(token: Token): boolean {
  return token.type === 'plain';
}

export function html(token: Token): string {
  try {
    if (!isPlain(token)) return sanitize(marked.parser([token]));
  } catch {
    // Shown without formatting.
  }
  return `<p>${escape(token.raw.replaceAll('&', '&amp;')).replaceAll('\n', '<br>')}</p>`;
}

/** HTML that can neither run code nor fetch anything. */
export function sanitize(dirty: string): string {
  return purifier.sanitize(dirty, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: LINKS,
    ADD_URI_SAFE_ATTR: ['start', 'align'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}

/** The text without its formatting, for screen readers. */
export function plainText(text: string): string {
  const fragment = purifier.sanitize(blocks(text).map(html).join(''), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: [],
    RETURN_DOM_FRAGMENT: true,
  });
  return fragment.textContent?.replace(/\s+/g, ' ').trim() ?? '';
}

function withHooks(purify: DOMPurify): DOMPurify {
  purify.addHook('afterSanitizeAttributes', (node) => {
    if (node.hasAttribute('href')) {
      node.setAttribute('target', '_blank');
      node.setAttribute('rel', 'noopener noreferrer nofollow');
    }
    // What scrolls horizontally must be reachable by keyboard.
    if (node.tagName === 'PRE' || node.tagName === 'TABLE') node.setAttribute('tabindex', '0');
    const direction = directionOfBlock(node);
    if (direction) node.setAttribute('dir', direction);
  });
  return purify;
}

/** Blocks of text. Of those that contain others, browsers judge only the text that is directly in them. */
const TEXT_BLOCKS: ReadonlySet<string> = new Set(['P', 'H2', 'H3', 'H4', 'H5', 'H6', 'TH', 'TD']);
const OUTER_BLOCKS: ReadonlySet<string> = new Set(['UL', 'OL', 'LI', 'BLOCKQUOTE', 'TABLE']);

function directionOfBlock({ tagName, textContent }: Element): 'auto' | 'ltr' | 'rtl' | undefined {
  if (TEXT_BLOCKS.has(tagName)) return 'auto';
  if (OUTER_BLOCKS.has(tagName)) return directionOf(textContent ?? '');
  return tagName === 'PRE' ? 'ltr' : undefined;
}

/** Escapes markup but not `&`, so that entities keep their meaning. */
function escape(text: string): string {
  return text.replace(/[<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
