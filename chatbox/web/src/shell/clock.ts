/** Time. The visitor's clock may be wrong by years or be set while the page is open, so it decides nothing. */

/** Milliseconds since some moment in the past. It only grows, whatever happens to the clock: for deadlines. */
export function monotonic(): number {
  return performance.now();
}

/** The time on the server, from what the server said last. Until then the visitor's clock stands in, to show times. */
export class ServerClock {
  private offset: number | undefined;

  /** The time in a header or a frame that has just arrived. What is no time changes nothing. */
  sync(time: string | null | undefined): void {
    const parsed = Date.parse(time ?? '');
    if (!Number.isNaN(parsed)) this.offset = parsed - monotonic();
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.offset === undefined ? Date.now() : this.offset + monotonic();
  }
}
