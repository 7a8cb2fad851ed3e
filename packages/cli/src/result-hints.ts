import { bestModelOf, type RunResults } from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';
import { chooseOf } from '@cryfold/run-control';
import { asTyped } from './command-text.js';

/** Commands that continue after a run: with its model where it is complete, with its missing folds where it is not. */
export function resultHints(results: RunResults): string[] {
  const { id } = results.run;
  if (results.status === 'complete') {
    return [`train the model on all data: ${asTyped(`cryfold train-final ${id}${flagOf(results)}`)}`];
  }
  return [`why folds are missing: ${asTyped(`cryfold status ${id}`)}`, `try again: ${asTyped(`cryfold retry ${id}`)}`];
}

/** `--of`, where `train-final` cannot choose by itself: the best model by the run's metric. */
function flagOf(results: RunResults): string {
  try {
    chooseOf(results.spec as Spec, undefined);
    return '';
  } catch {
    const best = bestModelOf(results);
    return best ? ` --of ${best.model}` : '';
  }
}
