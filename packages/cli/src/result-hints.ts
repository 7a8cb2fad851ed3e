import { bestModelOf, type RunResults } from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';
import { chooseOf, isKeepable } from '@cryfold/run-control';
import { asTyped } from './command-text.js';

/**
 * Suggests the next commands: train the final model of a complete run, or retry the missing folds of an incomplete one.
 */
export function resultHints(results: RunResults): string[] {
  const { id } = results.run;
  if (results.status === 'complete') {
    const flag = flagOf(results);
    return flag === undefined
      ? []
      : [`train the final model on all data: ${asTyped(`cryfold train-final ${id}${flag}`)}`];
  }
  return [
    `show why folds are missing: ${asTyped(`cryfold status ${id}`)}`,
    `retry them: ${asTyped(`cryfold retry ${id}`)}`,
  ];
}

/**
 * Returns the `--of` flag that `train-final` needs if it cannot choose a model by itself. The flag selects the best
 * model, by the run's metric, of all models that can be saved. Returns undefined if no model can be saved.
 */
function flagOf(results: RunResults): string | undefined {
  const spec = results.spec as Spec;
  try {
    if (isKeepable(spec, chooseOf(spec, undefined))) return '';
  } catch {
    // There are several models to choose from.
  }
  const best = bestModelOf({ ...results, models: results.models.filter(({ name }) => isKeepable(spec, name)) });
  return best && ` --of ${best.model}`;
}
