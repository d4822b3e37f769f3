/** The header: the assistant's name, the state of the connection, and the button for a new chat. */

import { reconnectText, stopText } from '../core/strings';
import type { State } from '../shell/chat';
import type { Model } from '../core/wire';
import { Logo, NewIcon } from './icons';
import { ModelSelector } from './model-selector';

interface Props {
  state: State;
  assistant: string;
  /** The model that answers next, once the server has named any. */
  model: Model | undefined;
  /** `assistant` is a member of staff. */
  isAssisted: boolean;
  chooseModel: (model: string) => void;
  /** There is something to leave. */
  canStartAnew: boolean;
  newChat: () => void;
}

export function Header({ state, assistant, model, isAssisted, chooseModel, canStartAnew, newChat }: Props) {
  const { connection, models } = state;
  const hasChoice = model !== undefined && models.length > 1 && !isAssisted;
  return (
    <header class="header">
      <div class="column">
        <span class="logo">
          <Logo />
        </span>
        <div class="title">
          <h1 class={hasChoice ? 'visually-hidden' : undefined}>
            {isAssisted ? <AssistedBy name={assistant} /> : <bdi>{assistant}</bdi>}
          </h1>
          {hasChoice && (
            <ModelSelector models={models} chosen={model} disabled={connection === 'stopped'} choose={chooseModel} />
          )}
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

function AssistedBy({ name }: { name: string }) {
  return (
    <span id="admin-name-display">
      Assisted by <bdi>{name}</bdi>
    </span>
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
