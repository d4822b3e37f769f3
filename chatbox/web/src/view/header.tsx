import type { State } from '../shell/chat';
import { stopWords } from '../core/words';
import { Mark, NewIcon } from './icons';

const STATUS = {
  connecting: 'Connecting…',
  connected: 'Connected',
  reconnecting: 'Reconnecting…',
  offline: 'You are offline',
} as const;

interface Props {
  state: State;
  assistant: string;
  isEmpty: boolean;
  newChat: () => void;
}

export function Header({ state, assistant, isEmpty, newChat }: Props) {
  const status = state.link === 'stopped' ? stopWords(state.stop ?? 'refused').status : STATUS[state.link];
  return (
    <header class="bar">
      <div class="column">
        <span class="badge">
          <Mark />
        </span>
        <div class="title">
          <h1>{assistant}</h1>
          <div id="connection-status" class={`status ${state.link}`} role="status">
            <span class="dot" aria-hidden="true" />
            <span id="status-text">{status}</span>
          </div>
        </div>
        <button type="button" id="new-chat-btn" class="quiet" disabled={isEmpty || state.link === 'stopped'} onClick={newChat}>
          <NewIcon />
          <span>New chat</span>
        </button>
      </div>
    </header>
  );
}
