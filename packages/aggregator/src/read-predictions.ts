import { type EvaluationInput, evaluateRun, type Predictions, predictionsOf } from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { readRun } from './read-run.js';

/** Out-of-fold predictions of a model, with the data on which it was evaluated. */
export interface StoredPredictions {
  data: EvaluationInput;
  predictions: Predictions;
}

/**
 * Reads the stored predictions of an estimator or fusion. Evaluates only the model itself and, for a fusion, its
 * members.
 * @param rule fusion rule, if the fusion is not in the spec of the run
 * @throws CryfoldError PROBABILITIES_INVALID; USAGE if the run has no such model; also any error that `readRun` throws
 */
export async function readPredictions(
  store: RunStore,
  run: string,
  name: string,
  rule?: Spec['fusion'][string],
): Promise<StoredPredictions> {
  const { input } = await readRun(store, run);
  const fused = rule ?? (Object.hasOwn(input.fusion, name) ? input.fusion[name] : undefined);
  const members = fused?.members ?? [name];
  const estimators = Object.fromEntries(members.map((member) => [member, input.estimators[member]]));
  const fusion = fused ? { [name]: fused } : {};
  const { probabilities } = evaluateRun({ ...input, shuffled: [], estimators, fusion });
  return { data: input, predictions: predictionsOf(input, probabilities).get(name)! };
}
