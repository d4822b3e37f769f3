/** Where the keyboard's focus goes, so that it is never left on what is gone. */

import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/** To the input field; on a touch screen, where that would open the keyboard over the page, to the list. */
export function focusHome(): void {
  const id = matchMedia('(pointer: fine)').matches ? 'message-input' : 'messages-container';
  document.getElementById(id)?.focus({ preventScroll: true });
}

/** Moves the focus on when a component goes away that has it. */
export function useFocusHome(element: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const { current } = element;
    return () => {
      if (current?.contains(document.activeElement)) focusHome();
    };
  }, []);
}
