/** How the models are called. */

import type { Model } from './wire';

/** What answers, while its name is not known. */
export const DEFAULT_NAME = 'Assistant';

/** Who gave an answer: the model that it names where there are several, else the only one. */
export function authorOf(models: readonly Model[], id: string | undefined): string {
  if (models.length <= 1) return models[0]?.name ?? DEFAULT_NAME;
  // One that is not configured any more has no other name.
  return models.find((model) => model.id === id)?.name ?? id ?? DEFAULT_NAME;
}
