import { CryfoldError } from '@cryfold/core';
import { holm, LEAST_FOLDS, nadeauBengio, type PairedTest } from './comparisons.js';
import type { EvaluationInput } from './evaluation-input.js';
import { type GroupTest, testGroups, type Untested } from './group-test.js';
import { METRICS, type MetricName } from './metric.js';
import { summarise } from './metrics.js';
import type { Comparison, ModelResults, RunResults } from './results.js';
import { type Predictions, tallyGroups } from './tallies.js';

type Fold = ModelResults['folds'][number];
type Data = Pick<EvaluationInput, 'classes' | 'clips' | 'splits'>;

/** Pairs the folds that both models have. */
function commonFolds(a: readonly Fold[], b: readonly Fold[]): [Fold, Fold][] {
  const byKey = new Map(b.map((fold) => [`${fold.repeat}/${fold.fold}`, fold]));
  return a.flatMap((fold) => {
    const other = byKey.get(`${fold.repeat}/${fold.fold}`);
    return other ? [[fold, other]] : [];
  });
}

/**
 * Computes the mean difference in a metric over the common folds (a minus b), and the corrected t-test of the
 * difference.
 */
function compareFolds(
  pairs: [Fold, Fold][],
  metric: MetricName,
  trainCount: (fold: Fold) => number,
): { meanDifference: number | null; test: PairedTest | null } {
  const differences = pairs.map(([a, b]) => a[metric] - b[metric]);
  const ratio = pairs.reduce((total, [fold]) => total + fold.testCount / trainCount(fold), 0) / pairs.length;
  return { meanDifference: summarise(differences)?.mean ?? null, test: nadeauBengio(differences, ratio) };
}

/**
 * Tests the predictions of two models by group, on the splits that both models have. Returns null if there are no
 * common splits or clips do not share groups.
 */
function compareGroups(
  data: Data,
  { metric, a, b }: { metric: MetricName; a: Predictions; b: Predictions },
): GroupTest | null {
  const groups = new Set(data.clips.map(({ group }) => group)).size;
  const common = data.splits.flatMap((_, s) => (a.probabilities[s] && b.probabilities[s] ? [s] : []));
  if (groups === data.clips.length || common.length === 0) return null;
  return testGroups(metric, [tallyGroups(data, a, common), tallyGroups(data, b, common)], data.classes.length);
}

/** Returns the reason why the decisive test has no p-value, or undefined if it has one. */
function whyUntested(folds: number, test: PairedTest | null, byGroup: GroupTest | null): Untested | undefined {
  if (byGroup) return byGroup.untested;
  if (test) return undefined;
  return folds < LEAST_FOLDS ? 'too few folds' : 'no spread';
}

/**
 * Compares every pair of models on the folds that both models have, and adjusts p-values for the number of pairs. If
 * clips share groups, the test by group is decisive, because folds that share groups, or repeats of folds, are not
 * independent evidence.
 * @param predictions of each model
 */
export function compareModels(
  data: Data,
  models: readonly ModelResults[],
  predictions: ReadonlyMap<string, Predictions>,
  metric: MetricName,
): Comparison[] {
  const trainCounts = new Map(data.splits.map(({ repeat, fold, train }) => [`${repeat}/${fold}`, train.length]));
  const pairs = models.flatMap((a, i) => models.slice(i + 1).map((b) => ({ a, b })));
  const tested = pairs.map(({ a, b }) => {
    const common = commonFolds(a.folds, b.folds);
    const byFold = compareFolds(common, metric, ({ repeat, fold }) => trainCounts.get(`${repeat}/${fold}`)!);
    const byGroup = compareGroups(data, { metric, a: predictions.get(a.name)!, b: predictions.get(b.name)! });
    return { a: a.name, b: b.name, folds: common.length, ...byFold, byGroup };
  });
  const byFold = adjust(tested.map(({ test }) => test?.pValue ?? null));
  const byGroup = adjust(tested.map((one) => one.byGroup?.pValue ?? null));
  return tested.map(({ a, b, folds, meanDifference, test, byGroup: groups }, i) => {
    const untested = whyUntested(folds, test, groups);
    const { untested: _, ...own } = groups ?? {};
    return {
      ...{ a, b, metric, folds, meanDifference },
      test: test && {
        meanDifference: test.meanDifference,
        low: test.low,
        high: test.high,
        t: test.t,
        pValue: test.pValue,
        pHolm: byFold[i]!,
      },
      ...(groups && { byGroup: { ...(own as Omit<GroupTest, 'untested'>), pHolm: byGroup[i] } }),
      ...(untested && { untested }),
    };
  });
}

/** Applies Holm's adjustment to the p-values that are not null. */
function adjust(pValues: readonly (number | null)[]): (number | null)[] {
  const adjusted = holm(pValues.filter((p) => p !== null));
  let next = 0;
  return pValues.map((p) => (p === null ? null : adjusted[next++]));
}

/** The difference between two models according to the decisive test. */
export interface Evidence {
  by: 'groups' | 'folds';
  /** Number of groups or folds */
  count: number;
  /**
   * For a test by group, the difference in the metric, pooled over all predictions; for a test by fold, the mean
   * difference over the folds. Null if the models have no fold in common.
   */
  difference: number | null;
  /** 95 % interval, or null */
  low: number | null;
  high: number | null;
  /** Null if the test was not possible, for the reason in `untested` */
  pValue: number | null;
  pHolm: number | null;
  untested: Untested | 'not tested by group' | undefined;
}

/**
 * Returns the decisive test of a stored comparison: by group if it has one, otherwise by fold. Earlier versions stored
 * only the test over folds, which is invalid if clips share groups.
 */
export function evidenceOf(
  { folds, meanDifference, test, byGroup, untested }: Comparison,
  results: Pick<RunResults, 'dataset'>,
): Evidence {
  if (byGroup) {
    const { groups, difference, low, high, pValue, pHolm } = byGroup;
    return { by: 'groups', count: groups, difference, low, high, pValue, pHolm, untested };
  }
  const difference = meanDifference ?? test?.meanDifference ?? null;
  const base = { by: 'folds' as const, count: folds, difference };
  // Results of earlier versions contain p-values of 0 or 1 if all differences are equal, and p-values from only two
  // folds.
  if (test && test.t !== null && folds >= LEAST_FOLDS && !needsPredictions(results)) {
    const { low, high, pValue, pHolm } = test;
    return { ...base, low, high, pValue, pHolm, untested };
  }
  const byFoldsOnly = test !== null && needsPredictions(results) ? 'not tested by group' : 'no spread';
  const why = untested ?? (folds < LEAST_FOLDS ? 'too few folds' : byFoldsOnly);
  return { ...base, low: null, high: null, pValue: null, pHolm: null, untested: why };
}

export type Verdict = 'better' | 'same' | 'worse' | 'incomplete';

export interface RunComparison {
  verdict: Verdict;
  metric: MetricName;
  /** Number of folds that both models have */
  folds: number;
  /** The candidate's metric minus the baseline's, averaged over the common folds; null if there are no common folds. */
  meanDifference: number | null;
  /** The corrected t-test of the differences per fold; null if there are too few folds or all differences are equal. */
  test: PairedTest | null;
  /** The test by group; null if clips do not share groups or if predictions are missing */
  byGroup: GroupTest | null;
  /** Why the decisive test has no p-value */
  untested?: Untested;
}

/** A model of a run. */
export interface RunSide {
  results: RunResults;
  model: string;
  /** Its predictions, which the test by group needs */
  predicted?: { data: Data; predictions: Predictions };
}

/** Whether clips of the runs share groups, in which case a comparison needs the predictions. */
export function needsPredictions({ dataset }: Pick<RunResults, 'dataset'>): boolean {
  return dataset.groups < dataset.clips;
}

/**
 * Decides whether a candidate's model is better than a baseline's. Both runs must test the same clips in the same
 * folds. Only the repeats that both runs have are compared. If clips share groups, the test by group decides;
 * otherwise, the corrected t-test over folds does. The verdict is `incomplete` if a model lacks a fold, if there are
 * too few folds or groups, or if the test by group is needed but predictions are missing.
 * @param significance the two-sided p-value below which a difference counts
 * @param metric the metric to compare; for log-loss, lower is better
 * @throws CryfoldError USAGE if a run does not contain its model, or if the runs have different data or folds
 */
export function compareRuns(
  baseline: RunSide,
  candidate: RunSide,
  significance = 0.05,
  metric: MetricName = 'accuracy',
): RunComparison {
  const [before, after] = [modelOf(baseline), modelOf(candidate)];
  checkComparable(baseline.results, candidate.results);
  const common = commonFolds(after.folds, before.folds);
  const byGroup = comparePredictions(metric, baseline, candidate);
  const byFold = compareFolds(common, metric, (fold) => candidate.results.dataset.clips - fold.testCount);
  if (!byGroup && needsPredictions(candidate.results)) {
    // The t-test alone is too optimistic if folds share groups.
    return { verdict: 'incomplete', metric, folds: common.length, ...byFold, test: null, byGroup };
  }
  const untested = whyUntested(common.length, byFold.test, byGroup);
  const base = { metric, folds: common.length, ...byFold, byGroup, ...(untested && { untested }) };
  const few = untested === 'too few folds' || untested === 'too few groups';
  if (few || !before.complete || !after.complete) return { verdict: 'incomplete', ...base };
  const { pValue = null } = byGroup ?? byFold.test ?? {};
  if (pValue === null || pValue >= significance) return { verdict: 'same', ...base };
  const difference = byGroup ? byGroup.difference : byFold.meanDifference!;
  return { verdict: METRICS[metric].sign * difference > 0 ? 'better' : 'worse', ...base };
}

function modelOf({ results, model }: RunSide): ModelResults {
  const found = results.models.find((one) => one.name === model);
  if (found) return found;
  throw new CryfoldError('USAGE', `run ${results.run.id} has no model ${model}`, {
    context: { run: results.run.id, model },
    hint: `Its models: ${results.models.map((one) => one.name).join(', ')}.`,
  });
}

function checkComparable(baseline: RunResults, candidate: RunResults): void {
  const folding = ({ dataset, protocol }: RunResults) =>
    [dataset.contentHash, protocol.splitter, protocol.folds, protocol.seed, protocol.testSize].join(' ');
  if (folding(baseline) === folding(candidate)) return;
  const ids = [baseline.run.id, candidate.run.id];
  throw new CryfoldError('USAGE', `runs ${ids.join(' and ')} differ in data, splitter, folds or seed`, {
    context: { baseline: ids[0], candidate: ids[1] },
    hint: 'Compare runs on the same data with the same protocol and seed.',
  });
}

/** Compares the predictions of candidate and baseline on the splits that both runs have. */
function comparePredictions(metric: MetricName, baseline: RunSide, candidate: RunSide): GroupTest | null {
  if (!baseline.predicted || !candidate.predicted) return null;
  const { data, predictions: a } = candidate.predicted;
  const other = baseline.predicted;
  const index = new Map(other.data.splits.map(({ repeat, fold }, s) => [`${repeat}/${fold}`, s]));
  const aligned = data.splits.map(({ repeat, fold }) => index.get(`${repeat}/${fold}`));
  const align = (folds: Predictions['scores']) => aligned.map((s) => (s === undefined ? null : folds[s]));
  const b = { probabilities: align(other.predictions.probabilities), scores: align(other.predictions.scores) };
  return compareGroups(data, { metric, a, b });
}
