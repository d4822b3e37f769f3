/**
 * Answers are written by a machine from what people typed. Two walls stand before the page: HTML in an answer is
 * shown as text, but for a few tags without attributes, and what Markdown makes of the rest goes through a sanitizer.
 */

import createPurifier, { type DOMPurify } from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';

const TAGS = [
  'p', 'br', 'hr', 'strong', 'em', 'del', 's', 'b', 'i', 'u', 'sub', 'sup', 'kbd', 'mark', 'code', 'pre', 'blockquote',
  'ul', 'ol', 'li', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'a',
];
const ATTRIBUTES = ['href', 'title', 'start', 'align'];
/** Nothing that runs, and nothing that is fetched: a link is followed by hand. */
const LINKS = /^(?:https?:\/\/|mailto:|tel:)/i;
/** Tags that people and models write inside of Markdown, as `escape` leaves them. */
const PLAIN_TAGS = /&#60;(\/?(?:br|b|i|u|s|em|strong|del|sub|sup|kbd|mark))\s*\/?&#62;/gi;
/** The page's own headings come first. */
const HEADINGS_BELOW = 1;

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    heading({ tokens, depth }) {
      const level = Math.min(depth + HEADINGS_BELOW, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    html: ({ text }) => escape(text).replace(PLAIN_TAGS, '<$1>'),
    // A picture would be fetched from elsewhere: its description stays, as a link.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

const purifier = strict(createPurifier(window));

/** The top-level blocks of a text. While it grows, only the last ones change. */
export function blocks(text: string): Token[] {
  return marked.lexer(text).filter(({ type }) => type !== 'space' && type !== 'def');
}

export function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}

export function html(token: Token): string {
  return clean(marked.parser([token]));
}

/** HTML that can neither run nor fetch anything. */
export function clean(dirty: string): string {
  return purifier.sanitize(dirty, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: LINKS,
    ADD_URI_SAFE_ATTR: ['start', 'align'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}

/** The words alone, for reading aloud. */
export function plain(text: string): string {
  const fragment = purifier.sanitize(marked.parse(text, { async: false }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: [],
    RETURN_DOM_FRAGMENT: true,
  });
  return fragment.textContent?.replace(/\s+/g, ' ').trim() ?? '';
}

function strict(purify: DOMPurify): DOMPurify {
  purify.addHook('afterSanitizeAttributes', (node) => {
    if (node.hasAttribute('href')) {
      node.setAttribute('target', '_blank');
      node.setAttribute('rel', 'noopener noreferrer nofollow');
    }
    // What scrolls sideways has to be reachable by keyboard.
    if (node.tagName === 'PRE' || node.tagName === 'TABLE') node.setAttribute('tabindex', '0');
  });
  return purify;
}

/** Entities stay what they are: they stand for text. */
function escape(text: string): string {
  return text.replace(/[<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
