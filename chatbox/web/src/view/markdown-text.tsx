/** Renders Markdown block by block, so that only the last blocks of a growing answer are rendered again. */

import type { Token } from 'marked';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { CodeBlock } from './code-block';
import { blocks, html, isCode, isPlain } from './markdown';

/** While an answer grows, it takes at most a fifth of the time. */
const PAUSE = 4;

export function MarkdownText({ text, isLive }: { text: string; isLive: boolean }) {
  const tokens = useBlocks(text, isLive);
  return (
    <div class="markdown">
      {tokens.map((token, index) => (
        <Block key={index} token={token} />
      ))}
    </div>
  );
}

/** The blocks of a text. One that takes long is parsed less often while it grows, and lags behind for a moment. */
function useBlocks(text: string, isLive: boolean): Token[] {
  const parsed = useRef<{ text: string; tokens: Token[]; nextAt: number } | undefined>(undefined);
  const [drawn, redraw] = useState(0);
  const start = performance.now();
  const isDue = !isLive || !parsed.current || start >= parsed.current.nextAt;
  if (!parsed.current || (isDue && parsed.current.text !== text)) {
    const tokens = blocks(text);
    const end = performance.now();
    parsed.current = { text, tokens, nextAt: end + PAUSE * (end - start) };
  }
  const { tokens, nextAt } = parsed.current;
  const isBehind = parsed.current.text !== text;
  useEffect(() => {
    if (!isBehind) return undefined;
    const timer = setTimeout(() => redraw((count) => count + 1), Math.ceil(nextAt - performance.now()));
    return () => clearTimeout(timer);
  }, [isBehind, nextAt, drawn]); // A timer may be early: then there is another one.
  return tokens;
}

function Block({ token }: { token: Token }) {
  if (isCode(token)) return <CodeBlock text={token.text} language={token.lang?.split(/\s/)[0] ?? ''} />;
  return isPlain(token) ? <PlainText text={token.raw} /> : <Formatted token={token} />;
}

function Formatted({ token }: { token: Token }) {
  const depth = token.type === 'heading' ? token.depth : 0;
  const clean = useMemo(() => html(token), [token.raw, depth]);
  return <div class="block" dangerouslySetInnerHTML={{ __html: clean }} />;
}

/** Text as it was written. */
export function PlainText({ text }: { text: string }) {
  return (
    <div class="block plain" dir="auto">
      {text}
    </div>
  );
}
