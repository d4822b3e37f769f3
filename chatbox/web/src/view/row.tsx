/** What the rows of the message list have in common. */

import type { ComponentChildren } from 'preact';
import type { Model } from '../core/wire';
import type { Chat } from '../shell/chat';
import { clockTime, fullTime } from './time';

/** What every row may need. */
export interface Context {
  chat: Chat;
  models: readonly Model[];
  /** The longest message, in characters. */
  limit: number;
  isConnected: boolean;
  /** The chat is open. */
  canChange: boolean;
  /** The answer with this number is about to be written anew. */
  isRetrying: (answer: number) => boolean;
  /** Number of the question that is being edited. */
  editing: number | undefined;
  edit: (question: number | undefined) => void;
  /** Brings a text into the composer, before what has been written there. */
  compose: (text: string) => void;
}

/** The line below a message: its time, and what belongs to it. */
export function Meta({ at, children }: { at: string; children?: ComponentChildren }) {
  const time = clockTime(at);
  return (
    <p class="meta">
      {time && (
        <time dateTime={at} title={fullTime(at)}>
          {time}
        </time>
      )}
      {children}
    </p>
  );
}
