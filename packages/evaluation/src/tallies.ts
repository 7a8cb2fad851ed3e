import { CryfoldError } from '@cryfold/core';
import type { EvaluationInput, FoldProbabilities } from './evaluation-input.js';
import { type MetricName, metricOfCounts } from './metric.js';
import { argmaxRows, logLoss } from './metrics.js';

/** Predictions of a model: its probabilities, and its decision values if it chooses classes by decision value. */
export interface Predictions {
  probabilities: FoldProbabilities;
  scores: FoldProbabilities;
}

/**
 * Everything that a metric needs to know about a set of predictions: the confusion matrix row by row, the sum of the
 * log-losses, and the number of predictions. The tally of two combined sets is the sum of the sets' tallies.
 */
export type Tally = Float64Array;

/** Computes the metric over all predictions in a tally. */
export function metricOfTally(metric: MetricName, tally: Tally, classes: number): number {
  const count = tally[classes * classes + 1];
  if (metric === 'logLoss') return tally[classes * classes] / count;
  if (metric === 'accuracy') {
    // Equals `accuracy` of the matrix, but does not create a matrix, since tests call this about 20,000 times.
    let right = 0;
    for (let c = 0; c < classes; c++) right += tally[c * classes + c];
    return right / count;
  }
  return metricOfCounts(metric, tally, classes);
}

/** The predictions that are compared when models are tested. Each row is one prediction for a test clip. */
export interface TestRows {
  classes: number;
  /** True class of each row */
  labels: ArrayLike<number>;
  /** The unit to which each row belongs, such as a speaker, or the clip itself */
  groups: readonly string[];
}

/** Predictions of a model for some rows. */
export interface PredictedRows {
  /** The class that the model chose for each row */
  winners: ArrayLike<number>;
  /** Probabilities, rows x classes, row-major; each row sums to 1 */
  probabilities: Float64Array;
}

/**
 * Tallies the predictions of a model by group, in order of the groups' first row.
 * @throws CryfoldError PROBABILITIES_INVALID if a probability of a true class is not a number
 */
export function tallyRows(rows: TestRows, predicted: PredictedRows): Tally[] {
  const groups = new Map<string, Tally>();
  addRows(groups, rows, predicted);
  return [...groups.values()];
}

/**
 * Tallies the predictions of some splits by group, in order of the groups' first test clip.
 * @param indices of the splits for which the model has predictions
 */
export function tallyGroups(
  { splits, clips, classes }: Pick<EvaluationInput, 'classes' | 'clips' | 'splits'>,
  { probabilities, scores }: Predictions,
  indices: readonly number[],
): Tally[] {
  const groups = new Map<string, Tally>();
  for (const s of indices) {
    const tested = Array.from(splits[s].test, (clip) => clips[clip]);
    const rows = { labels: tested.map(({ label }) => label), groups: tested.map(({ group }) => group) };
    const winners = argmaxRows(scores[s]!, classes.length);
    addRows(groups, { classes: classes.length, ...rows }, { winners, probabilities: probabilities[s]! });
  }
  return [...groups.values()];
}

function addRows(
  tallies: Map<string, Tally>,
  { classes, labels, groups }: TestRows,
  { winners, probabilities }: PredictedRows,
): void {
  for (const [row, group] of groups.entries()) {
    let tally = tallies.get(group);
    if (!tally) {
      tally = new Float64Array(classes * classes + 2);
      tallies.set(group, tally);
    }
    const label = labels[row];
    const loss = logLoss([label], probabilities.subarray(row * classes, (row + 1) * classes), classes);
    // NaN would make every exchange of groups look less extreme than the observed difference, so p would be 0.
    if (Number.isNaN(loss)) {
      throw new CryfoldError('PROBABILITIES_INVALID', `group ${group}: a predicted probability is not a number`, {
        context: { group },
        hint: 'Train this model again.',
      });
    }
    tally[label * classes + winners[row]]++;
    tally[classes * classes] += loss;
    tally[classes * classes + 1]++;
  }
}

/** Returns the sum of one or more tallies. */
export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = new Float64Array(tallies[0].length);
  for (const tally of tallies) for (let i = 0; i < sum.length; i++) sum[i] += tally[i];
  return sum;
}

/**
 * Computes the standard error of a statistic of independent groups from its values with each group left out in turn
 * (delete-one jackknife). Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), equation 11.5.
 * @param without the statistic computed with the first group left out, with the second group left out, and so on
 */
export function jackknifeError(without: readonly number[]): number {
  const groups = without.length;
  const mean = without.reduce((sum, value) => sum + value, 0) / groups;
  return Math.sqrt(((groups - 1) / groups) * without.reduce((sum, value) => sum + (value - mean) ** 2, 0));
}

/** Returns the value of `statistic` with each group left out in turn. */
export function leaveOneOut(tallies: readonly Tally[], statistic: (rest: Tally) => number): number[] {
  const sum = addTallies(tallies);
  return tallies.map((tally) => statistic(sum.map((value, i) => value - tally[i])));
}
