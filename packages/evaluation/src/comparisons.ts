import { incompleteBeta, studentCritical, studentTwoSided } from './distributions.js';
import { type Confusion, summarise } from './metrics.js';
import { RandomState } from './random-state.js';

/** An interval of the given confidence level around a mean difference, and how surprising the difference is. */
export interface PairedTest {
  folds: number;
  meanDifference: number;
  low: number;
  high: number;
  /** Null where all differences are equal. */
  t: number | null;
  /** Two-sided. */
  pValue: number;
}

/** What a corrected resampled t-test says of a mean difference, without an interval. */
export type CorrectedT = Pick<PairedTest, 'folds' | 'meanDifference' | 't' | 'pValue'> & {
  /** Standard error of the mean; 0 where all differences are equal */
  error: number;
};

/**
 * The corrected resampled t-test: folds share training clips, so the variance of the mean is (1/k + test/train) times
 * the folds' variance, not 1/k. Source: Nadeau and Bengio, "Inference for the generalization error", Machine Learning
 * 52 (2003); for repeated cross-validation, Bouckaert and Frank (2004).
 * @param differences of a metric, model A minus model B, one per fold
 * @param testTrainRatio test clips over training clips of a fold, such as 1/4 for 5 folds
 * @returns null for fewer than two folds
 */
export function correctedT(differences: readonly number[], testTrainRatio: number): CorrectedT | null {
  const summary = summarise(differences);
  if (summary?.standardDeviation == null) return null;
  const { mean, standardDeviation, count } = summary;
  // equal differences leave rounding in the mean, not a spread: there is nothing to test
  if (standardDeviation <= 1e-12 * Math.abs(mean)) {
    return { folds: count, meanDifference: mean, error: 0, t: null, pValue: mean === 0 ? 1 : 0 };
  }
  const error = Math.sqrt(1 / count + testTrainRatio) * standardDeviation;
  const t = mean / error;
  return { folds: count, meanDifference: mean, error, t, pValue: studentTwoSided(t, count - 1) };
}

/**
 * `correctedT` with an interval.
 * @param level of the interval
 */
export function nadeauBengio(differences: readonly number[], testTrainRatio: number, level = 0.95): PairedTest | null {
  const test = correctedT(differences, testTrainRatio);
  if (!test) return null;
  const { error, ...rest } = test;
  const reach = error === 0 ? 0 : studentCritical(1 - level, test.folds - 1) * error;
  return { ...rest, low: test.meanDifference - reach, high: test.meanDifference + reach };
}

/** Holm's step-down adjustment of p-values for their number, in their order (Holm 1979). */
export function holm(pValues: readonly number[]): number[] {
  const adjusted = new Array<number>(pValues.length);
  let running = 0;
  const order = [...pValues.keys()].sort((a, b) => pValues[a] - pValues[b]);
  order.forEach((index, rank) => {
    running = Math.max(running, Math.min(1, (pValues.length - rank) * pValues[index]));
    adjusted[index] = running;
  });
  return adjusted;
}

/**
 * McNemar's exact test on two models' predictions of the same clips: the binomial test of the clips that only one gets
 * right. Give every clip once: the repeats of a cross-validation are no new clips.
 * @returns the counts of those clips and the two-sided p-value
 */
export function mcNemar(
  labels: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { onlyA: number; onlyB: number; pValue: number } {
  let onlyA = 0;
  let onlyB = 0;
  for (let i = 0; i < labels.length; i++) {
    if (a[i] === labels[i] && b[i] !== labels[i]) onlyA++;
    if (b[i] === labels[i] && a[i] !== labels[i]) onlyB++;
  }
  const fewer = Math.min(onlyA, onlyB);
  // P(X <= fewer) for X binomial with probability 1/2 is an incomplete beta function (DLMF 8.17.5)
  const tail = onlyA === onlyB ? 0.5 : incompleteBeta(onlyA + onlyB - fewer, fewer + 1, 0.5);
  return { onlyA, onlyB, pValue: Math.min(1, 2 * tail) };
}

/** numpy's percentile, linear between ranks; `values` ascending, `share` in [0, 1]. */
function percentile(values: Float64Array, share: number): number {
  const rank = share * (values.length - 1);
  const below = Math.floor(rank);
  return values[below] + (rank - below) * (values[Math.min(below + 1, values.length - 1)] - values[below]);
}

export interface Interval {
  low: number;
  high: number;
}

/**
 * Percentile intervals from resampling whole groups with replacement: the clips of one infant are no independent
 * evidence, so resampling clips would give intervals that are too narrow. Draws are numpy's
 * `RandomState(seed).randint(groups, size=(samples, groups))`.
 * @param confusions one confusion matrix per group; their sum is the whole
 * @param statistics what to bound, by name
 */
export function bootstrapGroups<Name extends string>(
  confusions: readonly Confusion[],
  statistics: Record<Name, (confusion: Confusion) => number>,
  { samples = 1000, seed = 0, level = 0.95 } = {},
): Record<Name, Interval> {
  const random = new RandomState(seed);
  const classes = confusions[0].length;
  const names = Object.keys(statistics) as Name[];
  const values = names.map(() => new Float64Array(samples));
  for (let sample = 0; sample < samples; sample++) {
    const total = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    for (let draw = 0; draw < confusions.length; draw++) {
      const drawn = confusions[random.randint(confusions.length)];
      for (let i = 0; i < classes; i++) for (let j = 0; j < classes; j++) total[i][j] += drawn[i][j];
    }
    names.forEach((name, n) => {
      values[n][sample] = statistics[name](total);
    });
  }
  const intervals = names.map((name, n) => {
    const sorted = values[n].sort();
    return [name, { low: percentile(sorted, (1 - level) / 2), high: percentile(sorted, (1 + level) / 2) }];
  });
  return Object.fromEntries(intervals) as Record<Name, Interval>;
}
