import { studentCritical, studentTwoSided } from './distributions.js';
import { summarise } from './metrics.js';

/** A mean difference with an interval of the given confidence level, and a p-value. */
export interface PairedTest {
  folds: number;
  meanDifference: number;
  low: number;
  high: number;
  t: number;
  /** Two-sided. */
  pValue: number;
}

/** Minimum number of folds for a test, because a spread estimated from fewer folds is unreliable. */
export const LEAST_FOLDS = 5;

/** Result of a corrected resampled t-test of a mean difference, without an interval. */
export type CorrectedT = Pick<PairedTest, 'folds' | 'meanDifference' | 't' | 'pValue'> & {
  /** Standard error of the mean; greater than 0 */
  error: number;
};

/**
 * Computes the corrected resampled t-test. Since folds share training clips, the variance of the mean is not 1/k but
 * (1/k + test/train) times the variance of the folds. Source: Nadeau and Bengio, "Inference for the generalization
 * error", Machine Learning 52 (2003); for repeated cross-validation, Bouckaert and Frank (2004).
 * @param differences differences in a metric, model A minus model B, one per fold
 * @param testTrainRatio test clips over training clips of a fold, such as 1/4 for 5 folds
 * @returns null for fewer than `LEAST_FOLDS` folds, if all differences are equal, or if one of them is not finite. If
 * the differences do not vary, it is unknown how far their mean could be from 0 by chance
 */
export function correctedT(differences: readonly number[], testTrainRatio: number): CorrectedT | null {
  const summary = summarise(differences);
  if (summary?.standardDeviation == null || summary.count < LEAST_FOLDS) return null;
  const { mean, standardDeviation, count } = summary;
  if (!Number.isFinite(standardDeviation)) return null;
  // If all differences are equal, their standard deviation consists only of rounding errors.
  if (standardDeviation <= 1e-12 * Math.max(1, Math.abs(mean))) return null;
  const error = Math.sqrt(1 / count + testTrainRatio) * standardDeviation;
  const t = mean / error;
  // A p-value is never 0, but very small values would underflow to 0.
  const pValue = Math.max(Number.MIN_VALUE, studentTwoSided(t, count - 1));
  return { folds: count, meanDifference: mean, error, t, pValue };
}

/**
 * Like `correctedT`, with an interval.
 * @param level confidence level of the interval
 * @returns null under the same conditions as `correctedT`
 */
export function nadeauBengio(differences: readonly number[], testTrainRatio: number, level = 0.95): PairedTest | null {
  const test = correctedT(differences, testTrainRatio);
  if (!test) return null;
  const { error, ...rest } = test;
  const reach = studentCritical(1 - level, test.folds - 1) * error;
  return { ...rest, low: test.meanDifference - reach, high: test.meanDifference + reach };
}

/** Adjusts p-values for multiple tests by Holm's step-down method (Holm 1979), keeping their order. */
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
