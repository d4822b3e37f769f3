// @vitest-environment jsdom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, expect, test, vi } from 'vitest';
import { CodeBlock } from '../src/view/code-block';

const root = document.createElement('div');
afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
});

const fail = (): never => {
  throw new Error('broken');
};
const refuse = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));

/** Presses the button of a block of code. Returns what it says then. */
async function copy(clipboard: object | undefined, execCommand: (() => boolean) | undefined): Promise<string | null | undefined> {
  vi.stubGlobal('navigator', { userAgent: '', clipboard });
  document.execCommand = execCommand as typeof document.execCommand;
  document.body.append(root);
  act(() => render(<CodeBlock text="let x = 1;" language="js" />, root));
  const button = root.querySelector('button');
  button?.focus();
  const before = button?.textContent;
  button?.click();
  await vi.waitFor(() => expect(button?.textContent).not.toBe(before));
  expect(document.activeElement).toBe(button);
  return button?.textContent;
}

const works = (): boolean => true;
const refuses = (): boolean => false;

test.each<[string, object | undefined, (() => boolean) | undefined]>([
  ['takes the text', { writeText: async () => {} }, undefined],
  ['refuses, and the older way works', { writeText: refuse }, works],
  ['is missing, as without TLS, and the older way works', undefined, works],
])('a clipboard that %s says "Copied"', async (_, clipboard, execCommand) => {
  expect(await copy(clipboard, execCommand)).toBe('Copied');
});

test.each<[string, object | undefined, (() => boolean) | undefined]>([
  ['refuses both ways', { writeText: refuse }, refuses],
  ['throws', { writeText: fail }, fail],
  ['is missing, with the older way', undefined, undefined],
])('a clipboard that %s is told, and the code is selected for the person', async (_, clipboard, execCommand) => {
  expect(await copy(clipboard, execCommand)).toBe('The browser refused. The code is selected: press Ctrl+C');
  expect(getSelection()?.toString()).toBe('let x = 1;');
});
