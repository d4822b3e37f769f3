/** The header: the assistant's name, the state of the connection, and the button for a new chat. */

import { reconnectText, stopText } from '../core/strings';
import type { State } from '../shell/chat';
import { Logo, NewIcon } from './icons';


interface Props {
  state: State;
  assistant: string;
  /** There is something to leave. */
  canStartAnew: boolean;
  newChat: () => void;
}

export function Header({ state, assistant, canStartAnew, newChat }: Props) {
  const { connection } = state;
  return (
    <header class="header">
      <div class="column">
        <span class="logo">
          <Logo />
        </span>
        <div class="title">
          <h1>
            <bdi>{assistant}</bdi>
          </h1>
          <div id="connection-status" class={`status ${connection}`} role="status">
            <span class="status-dot" aria-hidden="true" />
            <span id="status-text">{statusText(state)}</span>
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

function statusText({ connection, stopReason, closeCode }: State): string {
  switch (connection) {
    case 'connecting':
      return 'Connecting…';
    case 'connected':
      return 'Connected';
    case 'reconnecting':
      return reconnectText(closeCode);
    case 'offline':
      return 'You are offline';
    case 'stopped':
      return stopText(stopReason ?? 'closed').status;
  }
}
