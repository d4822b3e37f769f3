/** What the fields for messages have in common. */

import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Composition } from '../core/composition';

/** Follows the input method in the field. */
export function useComposition(input: RefObject<HTMLTextAreaElement | null>): Composition {
  const composition = useRef<Composition | null>(null);
  composition.current ??= new Composition(/Android/i.test(navigator.userAgent));
  const state = composition.current;
  useEffect(() => {
    const field = input.current;
    const listeners: [string, (event: Event) => void][] = [
      ['compositionstart', () => state.started()],
      ['compositionend', ({ timeStamp }) => state.ended(timeStamp)],
      ['keyup', (event) => state.keyUp((event as KeyboardEvent).key)],
      ['blur', () => state.left()],
    ];
    for (const [type, listener] of listeners) field?.addEventListener(type, listener);
    return () => {
      for (const [type, listener] of listeners) field?.removeEventListener(type, listener);
    };
  }, []);
  return state;
}

/** Makes the field as high as its text; the style sheet sets the maximum. */
export function useFitHeight(input: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const field = input.current;
    if (!field) return;
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
  }, [text]);
}
