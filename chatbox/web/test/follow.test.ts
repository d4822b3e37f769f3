import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Follow, isUpKey, type View } from '../src/core/follow';

const at = (top: number, total = 1_000, height = 400): View => ({ top, height, total });

/** A list that follows its end, at its end. */
function atEnd(): Follow {
  const follow = new Follow();
  follow.look(at(600));
  return follow;
}

test.each([
  ['a pixel, as with the scroll bar', 599, 1_000, true],
  ['three pixels', 597, 1_000, false],
  ['a page', 200, 1_000, false],
  ['a little while the list grows in the same moment', 597, 1_050, false],
])('a move upwards by %s stops it', (_, top, total, isFollowing) => {
  const follow = atEnd();
  follow.look(at(top, total));
  expect(follow.isFollowing).toBe(isFollowing);
});

test('a wheel, a finger or a key stops it before the list has moved, and the page does not take the move back', () => {
  const follow = atEnd();
  follow.up(at(600));
  follow.look(at(600, 1_020));
  follow.look(at(600, 1_040));
  expect(follow.isFollowing).toBe(false);
});

test('a gesture at the top of a list that cannot move changes nothing', () => {
  const follow = new Follow();
  follow.up(at(0, 300));
  expect(follow.isFollowing).toBe(true);
});

describe('what is no move of the person', () => {
  test.each([
    ['growth', at(600, 1_500)],
    ['a list that becomes shorter', at(300, 700)],
    ['a window that becomes higher', at(400, 1_000, 600)],
    ['a window that becomes lower', at(600, 1_000, 200)],
    ['the bounce beyond the end', at(640)],
  ])('%s', (_, view) => {
    const follow = atEnd();
    follow.look(view);
    expect(follow.isFollowing).toBe(true);
    follow.look(at(view.total - view.height, view.total, view.height));
    expect(follow.isFollowing).toBe(true);
  });
});

describe('it goes on', () => {
  test('at the real end, not near it', () => {
    const follow = atEnd();
    follow.look(at(100));
    for (const top of [200, 560, 597]) {
      follow.look(at(top));
      expect(follow.isFollowing).toBe(false);
    }
    follow.look(at(599));
    expect(follow.isFollowing).toBe(true);
  });

  test('when the list has become so short that its end is seen', () => {
    const follow = atEnd();
    follow.look(at(100));
    follow.look(at(0, 390));
    expect(follow.isFollowing).toBe(true);
  });

  test('when the person asks for the end', () => {
    const follow = atEnd();
    follow.look(at(100));
    follow.resume();
    follow.look(at(600));
    expect(follow.isFollowing).toBe(true);
  });
});

test('after a move upwards no growth, however it comes, brings the page down', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 600 }), fc.array(fc.nat(200)), (up, growths) => {
      const follow = atEnd();
      follow.look(at(600 - up));
      let total = 1_000;
      for (const growth of growths) follow.look(at(600 - up, (total += growth)));
      expect(follow.isFollowing).toBe(false);
    }),
  );
});

test.each([
  ['ArrowUp', false, true],
  ['PageUp', false, true],
  ['Home', false, true],
  [' ', true, true],
  [' ', false, false],
  ['ArrowDown', false, false],
  ['End', false, false],
  ['a', true, false],
])('the key "%s" (shift: %s) scrolls upwards: %s', (key, shiftKey, expected) => {
  expect(isUpKey({ key, shiftKey })).toBe(expected);
});
