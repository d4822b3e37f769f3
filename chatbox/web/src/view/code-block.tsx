/** A block of code with its language and a button that copies it. */

import { useEffect, useState } from 'preact/hooks';
import { copyText } from './clipboard';
import { CheckIcon, CopyIcon } from './icons';

const COPIED_MS = 2_000;

export function CodeBlock({ text, language }: { text: string; language: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <figure class="code">
      <figcaption>
        <span>{language || 'Code'}</span>
        <button type="button" class="copy" onClick={() => void copyText(text).then(setCopied)}>
          {isCopied ? <CheckIcon /> : <CopyIcon />}
          <span aria-live="polite">{isCopied ? 'Copied' : 'Copy'}</span>
        </button>
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
