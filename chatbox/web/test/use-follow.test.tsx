// @vitest-environment jsdom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stubView } from './fake-browser';
import { useFollow } from '../src/view/use-follow';

const root = document.createElement('div');

/** A list that is higher than what can be seen of it. */
function List({ length, sent = 0 }: { length: number; sent?: number }) {
  const { container, isFollowing, hasUnseen, scrollToEnd } = useFollow([length], sent);
  return (
    <div>
      <div ref={container} id="list">
        <p />
      </div>
      {!isFollowing && <button onClick={scrollToEnd}>{hasUnseen ? 'new' : 'end'}</button>}
    </div>
  );
}

const list = () => root.querySelector<HTMLElement>('#list')!;
const button = () => root.querySelector('button');

/** Renders the list with `length` pixels; 400 of them can be seen. jsdom has no layout. */
function show(length: number, sent?: number): void {
  for (const [name, value] of [['scrollHeight', length], ['clientHeight', 400]] as const) {
    Object.defineProperty(Element.prototype, name, { configurable: true, get: () => value });
  }
  act(() => render(<List length={length} {...(sent !== undefined && { sent })} />, root));
}

function touch(type: string, y: number): Event {
  return Object.assign(new Event(type), { touches: [{ clientY: y }] });
}

beforeEach(() => {
  stubView();
  document.body.append(root);
  show(1_000);
  expect(list().scrollTop).toBe(1_000);
  list().scrollTop = 600;
  act(() => void list().dispatchEvent(new Event('scroll')));
});
afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
});

const GESTURES: [string, Event[], boolean][] = [
  ['the wheel upwards', [new WheelEvent('wheel', { deltaY: -1 })], true],
  ['the wheel downwards', [new WheelEvent('wheel', { deltaY: 1 })], false],
  ['a zoom by the wheel', [new WheelEvent('wheel', { deltaY: -1, ctrlKey: true })], false],
  ['a finger that pulls the list down', [touch('touchstart', 300), touch('touchmove', 304)], true],
  ['a finger that pushes it up', [touch('touchstart', 300), touch('touchmove', 290)], false],
  ['a finger that turns back', [touch('touchstart', 300), touch('touchmove', 290), touch('touchmove', 295)], true],
  ['a tap', [touch('touchstart', 300)], false],
  ['Page Up', [new KeyboardEvent('keydown', { key: 'PageUp' })], true],
  ['Shift and space', [new KeyboardEvent('keydown', { key: ' ', shiftKey: true })], true],
  ['a letter', [new KeyboardEvent('keydown', { key: 'a' })], false],
];

test.each(GESTURES)('%s stops the list, or not', (_, events, stops) => {
  act(() => events.forEach((event) => void list().dispatchEvent(event)));
  show(1_100);
  expect(list().scrollTop).toBe(stops ? 600 : 1_100);
  expect(button()?.textContent).toBe(stops ? 'new' : undefined);
});

test('the button says whether there is something new, and leads to the end', () => {
  act(() => void list().dispatchEvent(new WheelEvent('wheel', { deltaY: -1 })));
  expect(button()?.textContent).toBe('end');
  show(1_100);
  expect(button()?.textContent).toBe('new');
  act(() => button()?.click());
  expect(list().scrollTop).toBe(1_100);
  expect(button()).toBeNull();
});

test('who sends a message sees the end', () => {
  act(() => void list().dispatchEvent(new WheelEvent('wheel', { deltaY: -1 })));
  show(1_100, 1);
  expect(list().scrollTop).toBe(1_100);
  expect(button()).toBeNull();
});

test('a move that no gesture announced, such as the scroll bar or a search in the page, is seen before the list moves', () => {
  list().scrollTop = 590;
  show(1_100);
  expect(list().scrollTop).toBe(590);
});
