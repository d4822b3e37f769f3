/** Times and dates in the user's time zone and language. */

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });

export function clockTime(at: string): string {
  return format(clock, at);
}

export function fullTime(at: string): string {
  return format(full, at);
}

/** A key that is the same for all times of one day; empty when the time cannot be parsed. */
export function dayOf(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? '' : time.toDateString();
}

/** `now`: the time on the server. */
export function dayName(at: string, now: Date): string {
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (dayOf(at) === now.toDateString()) return 'Today';
  if (dayOf(at) === yesterday.toDateString()) return 'Yesterday';
  return format(date, at);
}

function format(formatter: Intl.DateTimeFormat, at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? '' : formatter.format(time);
}
