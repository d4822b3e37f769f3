// @vitest-environment jsdom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Composer } from '../src/view/composer';

/** An event: its type, what a key event says, and when. */
type Key = { key?: string; code?: string; keyCode?: number; isComposing?: boolean; repeat?: boolean };
type Step = [type: string, key?: Key | undefined, at?: number];

const enter = (more = {}) => ({ key: 'Enter', code: 'Enter', keyCode: 13, isComposing: false, ...more });
const handled = (more = {}) => ({ key: 'Enter', code: 'Enter', keyCode: 229, isComposing: true, ...more });
const typed: Step[] = [
  ['compositionstart'],
  ['keydown', { key: 'a', code: 'KeyA', keyCode: 229, isComposing: true }],
  ['keyup', { key: 'a', code: 'KeyA', keyCode: 65, isComposing: true }],
];

/** How browsers report an Enter that ends a composition. None of them may send. */
const ENDINGS: [string, Step[]][] = [
  ['Chrome, Windows and Linux', [...typed, ['keydown', handled()], ['compositionend'], ['keyup', enter()]]],
  ['Chrome, with the key hidden', [...typed, ['keydown', handled({ key: 'Process' })], ['compositionend'], ['keyup', enter({ key: 'Process' })]]],
  ['Chrome, Hangul on macOS', [...typed, ['keydown', handled()], ['compositionend'], ['keydown', enter(), 2], ['keyup', enter()]]],
  ['Chrome, Hangul on macOS, a letter comes up late', [
    ['compositionstart'], ['keydown', handled({ key: 'ㅏ', code: 'KeyK' })], ['keydown', handled()],
    ['keyup', { key: 'ㅏ', code: 'KeyK' }], ['compositionend'], ['keydown', enter(), 2], ['keyup', enter()],
  ]],
  ['Firefox', [...typed, ['keydown', handled()], ['compositionend'], ['keyup', enter({ isComposing: false })]]],
  ['a browser that marks the event alone', [...typed, ['keydown', enter({ isComposing: true })], ['compositionend'], ['keyup', enter()]]],
  ['a browser that marks nothing', [...typed, ['keydown', enter()], ['compositionend'], ['keyup', enter()]]],
  ['Safari', [...typed, ['compositionend'], ['keydown', handled({ isComposing: false }), 1], ['keyup', enter()]]],
  ['a web view that hides the input method', [...typed, ['compositionend', undefined, 4], ['keydown', enter(), 1], ['keyup', enter(), 80]]],
  ['an event without codes', [...typed, ['compositionend'], ['keydown', { key: 'Enter', keyCode: 0, code: '' }], ['keyup', { key: 'Enter' }]]],
  ['a browser that reports no composition', [['keydown', { key: 'Enter', keyCode: 229 }], ['keyup', enter()]]],
  ['a browser that reports no start', [['compositionend'], ['keydown', enter()], ['keyup', enter()]]],
  ['a numeric keypad', [...typed, ['keydown', handled({ code: 'NumpadEnter' })], ['compositionend'], ['keyup', enter()]]],
  ['a key that is held', [...typed, ['keydown', handled()], ['compositionend'], ['keydown', enter({ repeat: true }), 500], ['keydown', enter({ repeat: true }), 1_600], ['keyup', enter()]]],
];

const root = document.createElement('div');
const send = vi.fn((_: string) => true);
let now = 0;

beforeEach(() => {
  document.body.append(root);
  send.mockClear();
});
afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
});

function open(userAgent = ''): HTMLTextAreaElement {
  vi.stubGlobal('navigator', { ...navigator, userAgent });
  const input: { current: HTMLTextAreaElement | null } = { current: null };
  const atRest = { isAnswering: false, isStopping: false, stop: () => {}, disabled: false };
  const noStaff = { isAssisted: false, writer: undefined, isHelpAsked: false, requestHelp: () => {}, onType: () => {} };
  act(() => render(<Composer text="text" setText={() => {}} send={send} {...atRest} {...noStaff} assistant="Mo" limit={100} input={input} />, root));
  return root.querySelector('textarea')!;
}

function play(field: HTMLTextAreaElement, steps: Step[]): void {
  const start = (now += 10_000);
  for (const [type, key, at = 0] of steps) {
    const event = key ? new KeyboardEvent(type, { bubbles: true, cancelable: true, ...key }) : new CompositionEvent(type, { bubbles: true });
    Object.defineProperty(event, 'timeStamp', { value: start + at });
    Object.defineProperty(event, 'keyCode', { value: key?.keyCode ?? 0 });
    field.dispatchEvent(event);
  }
}

describe('an Enter that ends a composition', () => {
  test.each(ENDINGS)('does not send, and the next one does: %s', (_, steps) => {
    const field = open();
    play(field, steps);
    expect(send).not.toHaveBeenCalled();
    play(field, [['keydown', enter()], ['keyup', enter()]]);
    expect(send).toHaveBeenCalledTimes(1);
  });
});

describe('an Enter that follows a composition', () => {
  test('sends at once when another key has ended it', () => {
    const space = { key: ' ', code: 'Space', keyCode: 229, isComposing: true };
    play(open(), [...typed, ['keydown', space], ['compositionend'], ['keydown', enter(), 20]]);
    expect(send).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['a click on a suggestion', 400],
    ['dictation or a virtual keyboard, a moment before', 3],
  ])('sends when the composition was ended by %s', (_, later) => {
    play(open(), [...typed, ['compositionend'], ['keydown', enter(), later]]);
    expect(send).toHaveBeenCalledTimes(1);
  });

  test('sends when the field had lost the focus meanwhile', () => {
    play(open(), [...typed, ['blur'], ['keydown', enter(), 5]]);
    expect(send).toHaveBeenCalledTimes(1);
  });

  test('sends on Android, where each word is a composition', () => {
    const field = open('Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile');
    const word: Step[] = [['compositionstart'], ['keydown', { key: 'Unidentified', code: '', keyCode: 229, isComposing: true }], ['keyup', { key: 'Unidentified' }]];
    play(field, [...word, ['compositionend'], ['keydown', { key: 'Enter', code: '', keyCode: 13 }, 1], ['keyup', enter()]]);
    expect(send).toHaveBeenCalledTimes(1);
    play(field, [...word, ['keydown', { key: 'Enter', code: '', keyCode: 229, isComposing: true }], ['compositionend'], ['keyup', enter()]]);
    expect(send).toHaveBeenCalledTimes(1);
  });
});

test('an Enter without a composition sends once, however long it is held', () => {
  play(open(), [['keydown', enter()], ['keydown', enter({ repeat: true }), 500], ['keydown', enter({ repeat: true }), 5_000], ['keyup', enter()]]);
  expect(send).toHaveBeenCalledTimes(1);
});

test('Shift and Enter start a new line', () => {
  const field = open();
  field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', shiftKey: true, bubbles: true }));
  expect(send).not.toHaveBeenCalled();
});

test('the text that a composition has just ended is sent, although it is not rendered yet', () => {
  const field = open();
  field.value = 'text and 最後';
  play(field, [['keydown', enter()]]);
  expect(send).toHaveBeenCalledWith('text and 最後');
});
