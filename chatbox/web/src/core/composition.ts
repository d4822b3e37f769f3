/**
 * Whether an Enter sends the message, or ends a composition of an input method. Browsers differ in what they report:
 *
 * - Chrome and Firefox: `keydown` (229, composing), `compositionend`, `keyup`.
 * - Safari: `compositionend`, then the `keydown` that caused it (229, not composing), `keyup`.
 * - Chrome on macOS with Hangul: as Chrome, and then a second `keydown` (13, not composing) of the same press.
 * - Chrome on Android: each word is a composition, and the Enter of its keyboard ends it before its `keydown` (13). That
 *   one sends: people there choose words by touch.
 */

export interface KeyPress {
  key: string;
  code: string;
  keyCode: number;
  isComposing: boolean;
  repeat: boolean;
  timeStamp: number;
}

/** What browsers report as the code of a key that an input method has handled. */
const HANDLED = 229;
const ENTER = 13;
/** The keys, where an input method hides what they mean. */
const ENTER_CODES: ReadonlySet<string> = new Set(['Enter', 'NumpadEnter']);
/** The key that ended a composition was pressed before the end was reported: its time is not later. */
const SAME_KEY_MS = 1;
/** A press lasts at most so long if its end is never reported. */
const PRESS_MS = 1_000;

/** Whether an Escape is the person's own, and not meant for an input method. */
export function isEscape({ key, keyCode, isComposing, repeat }: KeyPress): boolean {
  return key === 'Escape' && keyCode !== HANDLED && !isComposing && !repeat;
}

export class Composition {
  private isComposing = false;
  /** A key of the input method is down. */
  private isPressed = false;
  /** When a composition ended for which no key had been reported. */
  private endedAt = -Infinity;
  /** When an Enter went down that was meant for the input method. Until it is up, it sends nothing. */
  private enterAt = -Infinity;

  constructor(private readonly isAndroid: boolean) {}

  started(): void {
    this.isComposing = true;
  }

  ended(timeStamp: number): void {
    this.isComposing = false;
    if (!this.isPressed) this.endedAt = timeStamp;
  }

  /** A key goes down; `true` when it is an Enter of the person's own. */
  keyDown(event: KeyPress): boolean {
    const isHandled = this.isComposing || event.isComposing || event.keyCode === HANDLED;
    const isEnter = event.key === 'Enter' || (isHandled && ENTER_CODES.has(event.code));
    const hasEndedOne = !this.isTouch(event) && event.timeStamp - this.endedAt < SAME_KEY_MS;
    const isSamePress = event.timeStamp - this.enterAt < PRESS_MS;
    this.endedAt = -Infinity;
    this.isPressed = isHandled;
    if (!isEnter) {
      this.enterAt = -Infinity;
      return false;
    }
    if (isHandled || hasEndedOne) this.enterAt = event.timeStamp;
    return !isHandled && !hasEndedOne && !isSamePress && !event.repeat;
  }

  keyUp(key: string): void {
    this.isPressed = false;
    this.endedAt = -Infinity;
    // The letter that was typed before an Enter may come up after the Enter went down.
    if (key.length !== 1) this.enterAt = -Infinity;
  }

  /** The field has lost the focus: what happens to its keys is reported elsewhere. */
  left(): void {
    this.keyUp('');
    this.isComposing = false;
  }

  private isTouch({ keyCode }: KeyPress): boolean {
    return this.isAndroid && keyCode === ENTER;
  }
}
