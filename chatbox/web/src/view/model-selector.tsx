/** The choice of the model that answers next. */

import { directionOf } from '../core/direction';
import type { Model } from '../core/wire';
import { ChevronIcon } from './icons';

interface Props {
  models: readonly Model[];
  /** The model that answers next. */
  chosen: Model;
  disabled: boolean;
  choose: (model: string) => void;
}

export function ModelSelector({ models, chosen, disabled, choose }: Props) {
  return (
    <div id="model-selector-container">
      <label class="visually-hidden" for="model-selector">
        Model
      </label>
      <select
        id="model-selector"
        value={chosen.id}
        dir={directionOf(chosen.name)}
        disabled={disabled}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {models.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <ChevronIcon />
    </div>
  );
}
