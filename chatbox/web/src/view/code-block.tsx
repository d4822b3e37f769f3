/** A block of code with its language and a button that copies it. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { copyText, selectContent } from './clipboard';
import { CheckIcon, CopyIcon } from './icons';

const SHOWN_MS = 2_000;
/** Words take longer to read. */
const REFUSED_MS = 8_000;
const COPY_KEYS = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘C' : 'Ctrl+C';

type Result = 'copied' | 'refused' | undefined;

export function CodeBlock({ text, language }: { text: string; language: string }) {
  const [result, setResult] = useState<Result>(undefined);
  const code = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!result) return undefined;
    const timer = setTimeout(() => setResult(undefined), result === 'copied' ? SHOWN_MS : REFUSED_MS);
    return () => clearTimeout(timer);
  }, [result]);
  const copy = async (): Promise<void> => {
    const isCopied = await copyText(text);
    if (!isCopied && code.current) selectContent(code.current);
    setResult(isCopied ? 'copied' : 'refused');
  };
  return (
    <figure class="code" dir="ltr">
      <figcaption>
        <bdi>{language || 'Code'}</bdi>
        <button type="button" class="copy" onClick={() => void copy()}>
          {result === 'copied' ? <CheckIcon /> : <CopyIcon />}
          <span aria-live="polite">{labelOf(result)}</span>
        </button>
      </figcaption>
      <pre tabIndex={0}>
        <code ref={code}>{text}</code>
      </pre>
    </figure>
  );
}

function labelOf(result: Result): string {
  switch (result) {
    case 'copied':
      return 'Copied';
    case 'refused':
      return `The browser refused. The code is selected: press ${COPY_KEYS}`;
    case undefined:
      return 'Copy';
  }
}
