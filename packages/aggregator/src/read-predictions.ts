import { type EvaluationInput, evaluateRun, type Predictions, predictionsOf } from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { readRun } from './read-run.js';

/** What a model of a run predicted out of fold, and for what. */
export interface StoredPredictions {
  data: EvaluationInput;
  predictions: Predictions;
}

/**
 * The stored predictions of an estimator or fusion. Only what it needs is evaluated: a fusion's members and the fusion.
 * @param rule of a fusion that the run's spec does not have
 * @throws CryfoldError as `readRun`; PROBABILITIES_INVALID, USAGE where the run has no such model
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
