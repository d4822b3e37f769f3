/**
 * Whether the list follows its end while it grows. Any move upwards by the person stops that, however small, and it goes
 * on when the person has come back to the end. Growth, a change of the window and the page's own scrolling are no moves.
 */

/** Where the list stands, in CSS pixels. */
export interface View {
  top: number;
  /** What can be seen at once. */
  height: number;
  total: number;
}

/** Zoomed pages round, so that the end is seldom met exactly. */
const END_TOLERANCE_PX = 2;

export class Follow {
  private following = true;
  private last: View = { top: 0, height: 0, total: 0 };

  get isFollowing(): boolean {
    return this.following;
  }

  /** Takes over where the list stands: after any scrolling, and before the page scrolls by itself. */
  look(view: View): void {
    const { last } = this;
    this.last = view;
    if (view.top > last.top || view.total < last.total) this.following ||= isAtEnd(view);
    // At the end, a smaller top comes from a list that became shorter or a window that became higher.
    else if (view.top < last.top && !isAtEnd(view)) this.following = false;
  }

  /** The person scrolls upwards: known before the list moves, which may be in the same moment as it grows. */
  up(view: View): void {
    if (view.top > 0) this.following = false;
  }

  /** The person wants to see the end. */
  resume(): void {
    this.following = true;
  }
}

function isAtEnd({ top, height, total }: View): boolean {
  return total - top - height < END_TOLERANCE_PX;
}

/** Whether a key scrolls upwards. */
export function isUpKey({ key, shiftKey }: { key: string; shiftKey: boolean }): boolean {
  return key === 'ArrowUp' || key === 'PageUp' || key === 'Home' || (key === ' ' && shiftKey);
}
