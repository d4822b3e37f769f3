/** The header: the assistant's name, the state of the connection, and the button for a new chat. */

import { stopText } from '../core/strings';
import type { State } from '../shell/chat';
import { Logo, NewIcon } from './icons';

const STATUS = {
  connecting: 'Connecting…',
  connected: 'Connected',
  reconnecting: 'Reconnecting…',
  offline: 'You are offline',
} as const;

interface Props {
  state: State;
  assistant: string;
  /** There is something to leave. */
  canStartAnew: boolean;
  newChat: () => void;
}

export function Header({ state: { connection, stopReason }, assistant, canStartAnew, newChat }: Props) {
  const status = connection === 'stopped' ? stopText(stopReason ?? 'closed').status : STATUS[connection];
  return (
    <header class="header">
      <div class="column">
        <span class="logo">
          <Logo />
        </span>
        <div class="title">
          <h1>{assistant}</h1>
          <div id="connection-status" class={`status ${connection}`} role="status">
            <span class="status-dot" aria-hidden="true" />
            <span id="status-text">{status}</span>
          </div>
        </div>
        <button type="button" id="new-chat-btn" disabled={!canStartAnew || connection === 'stopped'} onClick={newChat}>
          <NewIcon />
          <span>New chat</span>
        </button>
      </div>
    </header>
  );
}
