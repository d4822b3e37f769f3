// @vitest-environment jsdom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, expect, test, vi } from 'vitest';
import { MarkdownText } from '../src/view/markdown-text';

const { clock } = vi.hoisted(() => ({ clock: { now: 0 } }));

/** Each parsing takes 100 ms. */
vi.mock('../src/view/markdown', async (original) => {
  const real = await original<typeof import('../src/view/markdown')>();
  const blocks = vi.fn((text: string) => {
    clock.now += 100;
    return real.blocks(text);
  });
  return { ...real, blocks };
});

const root = document.createElement('div');
afterEach(() => {
  render(null, root);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function show(text: string, isLive: boolean): string | undefined {
  act(() => render(<MarkdownText text={text} isLive={isLive} />, root));
  return root.textContent?.trim();
}

test('an answer that takes long to parse lags behind while it grows, and catches up, also when a timer is early', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(performance, 'now').mockImplementation(() => clock.now);
  expect(show('one', true)).toBe('one');
  expect(show('one two', true)).toBe('one');
  clock.now = 499.9;
  act(() => void vi.runOnlyPendingTimers());
  expect(root.textContent?.trim()).toBe('one');
  clock.now = 501;
  act(() => void vi.runOnlyPendingTimers());
  expect(root.textContent?.trim()).toBe('one two');
});

test('an answer that is complete does not lag behind', () => {
  vi.spyOn(performance, 'now').mockImplementation(() => clock.now);
  expect(show('one', true)).toBe('one');
  expect(show('one two', false)).toBe('one two');
});
