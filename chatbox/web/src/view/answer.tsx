/** Markdown on the screen, block by block, so that a long answer that grows does not flicker. */

import type { Token } from 'marked';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { copy } from './copy';
import { CopyIcon, TickIcon } from './icons';
import { blocks, html, isCode } from './markdown';

const COPIED_MS = 2_000;

export function Answer({ text }: { text: string }) {
  const tokens = useMemo(() => blocks(text), [text]);
  return (
    <div class="prose">
      {tokens.map((token, index) =>
        isCode(token) ? (
          <Code key={index} text={token.text} language={token.lang?.split(/\s/)[0] ?? ''} />
        ) : (
          <Block key={index} token={token} />
        ),
      )}
    </div>
  );
}

function Block({ token }: { token: Token }) {
  const clean = useMemo(() => html(token), [token.raw]);
  return <div class="block" dangerouslySetInnerHTML={{ __html: clean }} />;
}

function Code({ text, language }: { text: string; language: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <figure class="code">
      <figcaption>
        <span>{language || 'Code'}</span>
        <button type="button" class="copy" onClick={() => void copy(text).then(setCopied)}>
          {copied ? <TickIcon /> : <CopyIcon />}
          <span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
        </button>
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
