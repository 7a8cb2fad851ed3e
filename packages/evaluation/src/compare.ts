import { CryfoldError } from '@cryfold/core';
import { holm, mcNemar, nadeauBengio, type PairedTest } from './comparisons.js';
import { pool } from './evaluate-model.js';
import type { EvaluationInput, FoldProbabilities } from './evaluation-input.js';
import { argmaxRows } from './metrics.js';
import type { Comparison, ModelResults, RunResults } from './results.js';

type Fold = ModelResults['folds'][number];

/** Pairs of folds that both models have. */
function commonFolds(a: readonly Fold[], b: readonly Fold[]): [Fold, Fold][] {
  const byKey = new Map(b.map((fold) => [`${fold.repeat}/${fold.fold}`, fold]));
  return a.flatMap((fold) => {
    const other = byKey.get(`${fold.repeat}/${fold.fold}`);
    return other ? [[fold, other]] : [];
  });
}

/** The corrected t-test on the accuracies of the common folds, a minus b. */
function testAccuracy(pairs: [Fold, Fold][], trainCount: (fold: Fold) => number): PairedTest | null {
  const ratio = pairs.reduce((total, [fold]) => total + fold.testCount / trainCount(fold), 0) / pairs.length;
  return nadeauBengio(
    pairs.map(([a, b]) => a.accuracy - b.accuracy),
    ratio,
  );
}

/**
 * Every pair of models, tested on the folds that both have; p-values adjusted for the number of pairs.
 * @param scores what each model predicts by: probabilities or decision values
 */
export function compareModels(
  data: Pick<EvaluationInput, 'classes' | 'clips' | 'splits'>,
  models: readonly ModelResults[],
  scores: ReadonlyMap<string, FoldProbabilities>,
): Comparison[] {
  const trainCounts = new Map(data.splits.map(({ repeat, fold, train }) => [`${repeat}/${fold}`, train.length]));
  const pairs = models.flatMap((a, i) => models.slice(i + 1).map((b) => ({ a, b })));
  const tested = pairs.map(({ a, b }) => {
    const common = commonFolds(a.folds, b.folds);
    const test = testAccuracy(common, ({ repeat, fold }) => trainCounts.get(`${repeat}/${fold}`)!);
    return { a, b, folds: common.length, test };
  });
  const adjusted = holm(tested.flatMap(({ test }) => test?.pValue ?? []));
  let next = 0;
  return tested.map(({ a, b, folds, test }) => ({
    a: a.name,
    b: b.name,
    folds,
    test: test && {
      meanDifference: test.meanDifference,
      low: test.low,
      high: test.high,
      t: test.t,
      pValue: test.pValue,
      pHolm: adjusted[next++],
    },
    mcNemar: mcNemarOfFirstRepeat(data, scores.get(a.name)!, scores.get(b.name)!),
  }));
}

/** McNemar's test needs every clip once, so it is held on the first repeat; null where that has a hole. */
function mcNemarOfFirstRepeat(
  data: Pick<EvaluationInput, 'classes' | 'clips' | 'splits'>,
  a: FoldProbabilities,
  b: FoldProbabilities,
): Comparison['mcNemar'] {
  const first = data.splits.flatMap((split, s) => (split.repeat === 0 ? [s] : []));
  if (first.length === 0 || first.some((s) => !a[s] || !b[s])) return null;
  const ofA = pool(data, a, first);
  const ofB = pool(data, b, first);
  const predicted = ({ probabilities }: { probabilities: Float64Array }) =>
    argmaxRows(probabilities, data.classes.length);
  return mcNemar(ofA.labels, predicted(ofA), predicted(ofB));
}

export type Verdict = 'better' | 'same' | 'worse' | 'incomplete';

export interface RunComparison {
  verdict: Verdict;
  /** Candidate minus baseline, in accuracy; null for fewer than two common folds. */
  test: PairedTest | null;
}

/**
 * Is a candidate's model better than a baseline's? Both runs must test the same clips in the same folds; the repeats
 * that both have are compared. `incomplete` when either model misses a fold or there are fewer than two common folds.
 * @param significance the two-sided p-value below which a difference counts
 * @throws CryfoldError USAGE when a run has no such model, or the runs' data or folds differ
 */
export function compareRuns(
  baseline: { results: RunResults; model: string },
  candidate: { results: RunResults; model: string },
  significance = 0.05,
): RunComparison {
  const find = ({ results, model }: { results: RunResults; model: string }) => {
    const found = results.models.find((one) => one.name === model);
    if (found) return found;
    throw new CryfoldError('USAGE', `run ${results.run.id} has no model ${model}`, {
      context: { run: results.run.id, model },
      hint: `It has: ${results.models.map((one) => one.name).join(', ')}.`,
    });
  };
  const [before, after] = [find(baseline), find(candidate)];
  const folding = ({ dataset, protocol }: RunResults) =>
    [dataset.contentHash, protocol.splitter, protocol.folds, protocol.seed, protocol.testSize].join(' ');
  if (folding(baseline.results) !== folding(candidate.results)) {
    const ids = [baseline.results.run.id, candidate.results.run.id];
    throw new CryfoldError('USAGE', `runs ${ids.join(' and ')} differ in data, splitter, folds or seed`, {
      context: { baseline: ids[0], candidate: ids[1] },
      hint: 'Compare runs over the same data with the same protocol and seed.',
    });
  }
  const test = testAccuracy(
    commonFolds(after.folds, before.folds),
    (fold) => candidate.results.dataset.clips - fold.testCount,
  );
  if (!test || !before.complete || !after.complete) return { verdict: 'incomplete', test };
  if (test.pValue >= significance) return { verdict: 'same', test };
  return { verdict: test.meanDifference > 0 ? 'better' : 'worse', test };
}
