import {
  evaluateRun,
  type FoldProbabilities,
  outOfFoldCsv,
  type RunResults,
  summariseLeaks,
} from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';
import type { StoredRun } from './read-run.js';

export interface EvaluatedStored {
  results: RunResults;
  /** Every model's, fusions included. */
  probabilities: Map<string, FoldProbabilities>;
  /** The bytes of out-of-fold.csv. */
  csv: () => Uint8Array;
}

/**
 * Every figure of a stored run.
 * @param fusion rules other than the spec's, to fuse the stored probabilities with
 * @throws CryfoldError PROBABILITIES_INVALID
 */
export function evaluateStored(run: StoredRun, fusion: Spec['fusion'] = run.plan.spec.fusion): EvaluatedStored {
  const { plan, input, sounds, environment } = run;
  const spec = { ...plan.spec, fusion };
  const { results, dataset, protocol, probabilities } = evaluateRun({ ...input, fusion });
  return {
    results: {
      format: 1,
      run: { id: plan.run, name: spec.name },
      spec,
      dataset: { name: plan.dataset.name, contentHash: plan.dataset.key, ...dataset },
      protocol: { ...protocol, splitter: spec.protocol.splitter, seed: spec.seed },
      ...(sounds && { leaks: summariseLeaks({ ...input, sounds }) }),
      ...results,
      environment,
    },
    probabilities,
    csv: () => {
      const columns = new Map(probabilities);
      for (const [trial, folds] of input.decisions ?? []) columns.set(`${trial}.decision`, folds);
      const { classes, clips, splits } = input;
      return new TextEncoder().encode([...outOfFoldCsv({ classes, clips, splits, probabilities: columns })].join(''));
    },
  };
}
