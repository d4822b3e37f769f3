/**
 * Markdown to tokens, within limits. An answer may be made to break the page: nested until the stack overflows, or such
 * that the time to parse it grows with the square of its length. What exceeds a limit is text without formatting, and
 * all around it is drawn as ever.
 */

import { Lexer, type MarkedOptions, type Token, Tokenizer, type Tokens, type TokensList } from 'marked';

/** Quotes and lists in each other. */
const MAX_BLOCK_DEPTH = 16;
/** Emphasis, links and the like in each other. */
const MAX_INLINE_DEPTH = 16;
/** The longest paragraph, heading or cell, and how many signs of formatting it may have. */
const MAX_INLINE_LENGTH = 10_000;
const MAX_INLINE_SIGNS = 400;

export function lex(text: string, options: MarkedOptions): TokensList {
  return new LimitedLexer({ ...options, tokenizer: new LimitedTokenizer() }).lex(text);
}

class LimitedTokenizer extends Tokenizer {
  private depth = 0;

  override blockquote(source: string): Tokens.Blockquote | undefined {
    return this.nested(() => super.blockquote(source));
  }

  override list(source: string): Tokens.List | undefined {
    return this.nested(() => super.list(source));
  }

  /** Without a token the text is taken for a paragraph. */
  private nested<T>(tokenize: () => T | undefined): T | undefined {
    if (this.depth >= MAX_BLOCK_DEPTH) return undefined;
    this.depth++;
    try {
      return tokenize();
    } finally {
      this.depth--;
    }
  }
}

class LimitedLexer extends Lexer {
  private depth = 0;

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    if (this.depth >= MAX_INLINE_DEPTH || !isModest(source)) {
      tokens.push({ type: 'text', raw: source, text: source, escaped: false });
      return tokens;
    }
    this.depth++;
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.depth--;
    }
  }
}

function isModest(source: string): boolean {
  if (source.length > MAX_INLINE_LENGTH) return false;
  let signs = 0;
  for (const sign of source) if ('*_~[]`<'.includes(sign)) signs++;
  return signs <= MAX_INLINE_SIGNS;
}
