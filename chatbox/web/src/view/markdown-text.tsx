/** Renders Markdown block by block, so that only the last blocks of a growing answer are rendered again. */

import type { Token } from 'marked';
import { useMemo } from 'preact/hooks';
import { CodeBlock } from './code-block';
import { blocks, html, isCode } from './markdown';

export function MarkdownText({ text }: { text: string }) {
  const tokens = useMemo(() => blocks(text), [text]);
  return (
    <div class="markdown">
      {tokens.map((token, index) =>
        isCode(token) ? (
          <CodeBlock key={index} text={token.text} language={token.lang?.split(/\s/)[0] ?? ''} />
        ) : (
          <Block key={index} token={token} />
        ),
      )}
    </div>
  );
}

function Block({ token }: { token: Token }) {
  const depth = token.type === 'heading' ? token.depth : 0;
  const clean = useMemo(() => html(token), [token.raw, depth]);
  return <div class="block" dangerouslySetInnerHTML={{ __html: clean }} />;
}
