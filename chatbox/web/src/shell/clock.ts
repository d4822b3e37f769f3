/** Time. The visitor's clock may be wrong by years or be set while the page is open, so it decides nothing. */

/** Milliseconds since some moment in the past. It only grows, whatever happens to the clock: for deadlines. */
export function monotonic(): number {
  return performance.now();
}

/** The time on the server, from what the server said last. Until then the visitor's clock stands in, to show times. */
export class ServerClock {
  /** What the server said, and when by either clock. */
  private synced: { time: number; monotonic: number; wall: number } | undefined;

  /** The time in a header or a frame that has just arrived. What is no time changes nothing. */
  sync(time: string | null | undefined): void {
    const parsed = Date.parse(time ?? '');
    if (!Number.isNaN(parsed)) this.synced = { time: parsed, monotonic: monotonic(), wall: Date.now() };
  }

  /**
   * Milliseconds since 1970. While the machine sleeps, some browsers' monotonic time stands still, and the visitor's clock
   * goes on: what has passed is the greater of both, until the server is heard again.
   */
  now(): number {
    if (!this.synced) return Date.now();
    return this.synced.time + Math.max(monotonic() - this.synced.monotonic, Date.now() - this.synced.wall);
  }
}
