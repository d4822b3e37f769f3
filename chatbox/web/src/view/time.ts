/** Times as the reader's own clock and language say them. */

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });

export function clockTime(at: string): string {
  return format(clock, at);
}

export function fullTime(at: string): string {
  return format(full, at);
}

/** Tells days apart; empty when the time cannot be read. */
export function dayOf(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? '' : time.toDateString();
}

export function dayName(at: string, now = new Date()): string {
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
