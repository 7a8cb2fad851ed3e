import { FOLD_NOTE, FORMATS, VERSION } from '@cryfold/core';
import {
  DEFAULT_TEST_SIZE,
  evaluateRun,
  type FoldProbabilities,
  outOfFoldCsv,
  type RunResults,
  splitterOf,
  summariseLeaks,
} from '@cryfold/evaluation';
import type { Spec } from '@cryfold/plan';
import type { StoredRun } from './read-run.js';

export interface EvaluatedStored {
  results: RunResults;
  /** Probabilities of all models, including fusions */
  probabilities: Map<string, FoldProbabilities>;
  /** Content of out-of-fold.csv */
  csv: () => Uint8Array;
}

/**
 * Computes all figures of a stored run.
 * @param fusion fusion rules to apply to the stored probabilities; default: the rules in the spec
 * @throws CryfoldError PROBABILITIES_INVALID
 */
export function evaluateStored(run: StoredRun, fusion: Spec['fusion'] = run.plan.spec.fusion): EvaluatedStored {
  const { plan, input, sounds, audit, environment } = run;
  const spec = { ...plan.spec, fusion };
  const { results, dataset, protocol, notes: ofFolds, probabilities } = evaluateRun({ ...input, fusion });
  const notes = [...ofFolds, ...fallbackNotes(run)];
  const { splitter, testSize = DEFAULT_TEST_SIZE } = spec.protocol;
  const sized = splitterOf(splitter).takes.includes('testSize');
  return {
    results: {
      format: FORMATS.results,
      run: { id: plan.run, name: spec.name },
      spec,
      dataset: { name: plan.dataset.name, contentHash: plan.dataset.key, ...dataset },
      protocol: { ...protocol, splitter, seed: spec.seed, ...(sized ? { testSize } : {}) },
      ...(notes.length > 0 ? { notes } : {}),
      ...(sounds && { leaks: summariseLeaks({ ...input, sounds }) }),
      ...(audit && { audit }),
      ...results,
      environment: { cryfold: VERSION, ...environment },
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

/** Returns notes about estimators that had to use a fallback, with the number of affected folds. */
function fallbackNotes({ folds }: StoredRun): string[] {
  const own = folds.filter(({ job }) => job.shuffle === undefined);
  return [...new Set(own.map(({ job }) => job.trial))].flatMap((trial) => {
    const notes = own.flatMap(({ job, record }) => (job.trial === trial ? [record.environment[FOLD_NOTE] ?? ''] : []));
    const different = [...new Set(notes)].filter((note) => note !== '');
    return different.map((note) => {
      const count = notes.filter((other) => other === note).length;
      return `${trial}: in ${count} of ${notes.length} folds, ${note}.`;
    });
  });
}
