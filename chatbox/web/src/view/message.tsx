/** One row of the message list. */

import type { Row } from '../core/rows';
import { noticeText, systemText } from '../core/strings';
import type { Message } from '../core/wire';
import { Answer } from './answer';
import { Boundary } from './boundary';
import { Question } from './question';
import type { Context } from './row';
import { dayName } from './time';

/** A row. What cannot be drawn is shown as plain text, and all other rows are drawn as ever. */
export function MessageRow({ row, context }: { row: Row; context: Context }) {
  return (
    <Boundary fallback={<article class="message system" dir="auto">{textOf(row)}</article>}>
      <Drawn row={row} context={context} />
    </Boundary>
  );
}

function textOf(row: Row): string {
  switch (row.kind) {
    case 'date':
      return '';
    case 'pending':
      return row.entry.content;
    case 'live':
      return row.live.text;
    default:
      return row.message.text;
  }
}

function Drawn({ row, context }: { row: Row; context: Context }) {
  switch (row.kind) {
    case 'date':
      return <p class="date">{dayName(row.at, new Date(context.chat.now()))}</p>;
    case 'system':
      return <SystemLine message={row.message} />;
    case 'question':
    case 'pending':
      return <Question row={row} context={context} />;
    case 'live':
    case 'answer':
      return <Answer row={row} context={context} />;
  }
}

/** On whichever side a name begins, the line begins on its own. */
function SystemLine({ message }: { message: Message }) {
  const text = systemText(message);
  const { name = '' } = message;
  const [before = '', ...after] = name ? text.split(name) : [text];
  return (
    <p class="message system" dir="auto">
      {before}
      {after.length > 0 && <bdi>{name}</bdi>}
      {after.join(name)}
    </p>
  );
}

export function Notice({ code }: { code: string }) {
  return <p class="message system">{noticeText(code)}</p>;
}
