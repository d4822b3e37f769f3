/** How much of the longest message is used, once that matters. */

/** The count appears when so much of the limit is used. */
const SHOW_FROM = 0.9;

export function isNearLimit(length: number, limit: number): boolean {
  return length >= limit * SHOW_FROM;
}

export function Count({ length, limit }: { length: number; limit: number }) {
  const isTooLong = length > limit;
  const number = new Intl.NumberFormat();
  return (
    <span class={isTooLong ? 'error' : undefined} role="status">
      {number.format(length)} of {number.format(limit)} characters
      {isTooLong && `: ${number.format(length - limit)} too many to send`}
    </span>
  );
}
