/** A message of the user: stored, on its way, or rejected. */

import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { PendingMessage, Rejection } from '../core/outbox';
import type { Row } from '../core/rows';
import { rejectionText } from '../core/strings';
import { Editor } from './editor';
import { useFocusHome } from './focus';
import { EditIcon } from './icons';
import { type Context, Meta } from './row';

type QuestionRow = Row & { kind: 'question' };
type PendingRow = Row & { kind: 'pending' };

/** A message of the user, before and after it was stored: one component, so that nothing moves in between. */
export function Question({ row, context }: { row: QuestionRow | PendingRow; context: Context }) {
  const isRejected = row.kind === 'pending' && row.entry.rejection !== undefined;
  const isEditing = row.kind === 'question' && row.message.seq === context.editing;
  const button = useReturn(isEditing);
  return (
    <article class="message user" data-state={isRejected ? 'rejected' : row.kind}>
      <span class="visually-hidden">You:</span>
      {isEditing ? (
        <Editing row={row} context={context} />
      ) : (
        <div class="bubble" dir="auto">
          {row.kind === 'question' ? row.message.text : row.entry.content}
        </div>
      )}
      {row.kind === 'pending' && <PendingMeta row={row} context={context} />}
      {row.kind === 'question' && !isEditing && <StoredMeta row={row} context={context} button={button} />}
    </article>
  );
}

function Editing({ row: { message, canEdit }, context }: { row: QuestionRow; context: Context }) {
  return (
    <Editor
      original={message.text}
      limit={context.limit}
      isPossible={canEdit && context.canChange}
      send={(text) => context.chat.send(text, message.seq)}
      close={() => context.edit(undefined)}
      rescue={context.compose}
    />
  );
}

function PendingMeta({ row: { entry, isInFlight }, context }: { row: PendingRow; context: Context }) {
  if (entry.rejection) return <RejectionMeta entry={entry} rejection={entry.rejection} context={context} />;
  return <p class="meta">{pendingText(isInFlight, context.isConnected)}</p>;
}

interface StoredProps {
  row: QuestionRow;
  context: Context;
  button: RefObject<HTMLButtonElement | null>;
}

/** The newest question may be put in other words. */
function StoredMeta({ row: { message, isLatest, canEdit }, context: { canChange, edit }, button }: StoredProps) {
  return (
    <Meta at={message.at}>
      {isLatest && <span>Sent</span>}
      {canEdit && canChange && <EditButton button={button} edit={() => edit(message.seq)} />}
    </Meta>
  );
}

function EditButton({ button, edit }: { button: RefObject<HTMLButtonElement | null>; edit: () => void }) {
  useFocusHome(button);
  return (
    <button type="button" class="quiet edit" ref={button} onClick={edit}>
      <EditIcon />
      Edit
    </button>
  );
}

/** The button that opened an editor: the focus returns to it when the editor is closed. */
function useReturn(isOpen: boolean): RefObject<HTMLButtonElement | null> {
  const button = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(isOpen);
  useLayoutEffect(() => {
    if (wasOpen.current && !isOpen) button.current?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  return button;
}

function pendingText(isInFlight: boolean, isConnected: boolean): string {
  if (!isConnected) return 'Will be sent when the connection is back';
  return isInFlight ? 'Sending…' : 'Waiting…';
}

interface RejectionProps {
  entry: PendingMessage;
  rejection: Rejection;
  context: Context;
}

function RejectionMeta({ entry: { clientId, replaces }, rejection, context: { chat, compose } }: RejectionProps) {
  return (
    <p class="meta">
      <span class="error">
        {rejectionText(rejection.code, replaces !== undefined)}
        {rejection.retryAt === undefined ? '.' : '. Trying again shortly.'}
      </span>
      {rejection.recoverable && (
        <button type="button" class="link" onClick={() => chat.retry(clientId)}>
          Send again
        </button>
      )}
      <button type="button" class="link" onClick={() => compose(chat.takeBack(clientId))}>
        Edit
      </button>
      <button type="button" class="link" onClick={() => chat.remove(clientId)}>
        Remove
      </button>
    </p>
  );
}
