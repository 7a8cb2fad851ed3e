import { bestModelOf, type RunResults } from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';
import { chooseOf, isKeepable } from '@cryfold/run-control';
import { asTyped } from './command-text.js';

/** Commands that continue after a run: with its model where it is complete, with its missing folds where it is not. */
export function resultHints(results: RunResults): string[] {
  const { id } = results.run;
  if (results.status === 'complete') {
    const flag = flagOf(results);
    return flag === undefined ? [] : [`train the model on all data: ${asTyped(`cryfold train-final ${id}${flag}`)}`];
  }
  return [`why folds are missing: ${asTyped(`cryfold status ${id}`)}`, `try again: ${asTyped(`cryfold retry ${id}`)}`];
}

/**
 * `--of`, where `train-final` cannot choose by itself: the best model by the run's metric that can be kept. Undefined where
 * no model can.
 */
function flagOf(results: RunResults): string | undefined {
  const spec = results.spec as Spec;
  try {
    if (isKeepable(spec, chooseOf(spec, undefined))) return '';
  } catch {
    // There are several.
  }
  const best = bestModelOf({ ...results, models: results.models.filter(({ name }) => isKeepable(spec, name)) });
  return best && ` --of ${best.model}`;
}
