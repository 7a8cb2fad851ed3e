import { type MetricName, scoreOf } from './metric.js';
import type { SearchResults, TrialRow } from './results.js';

/**
 * Trials of a searched estimator that have a figure, completed or not: the candidates for its winner.
 * @param base name in the spec
 */
export function begunTrials({ trials }: Pick<SearchResults, 'trials'>, base: string): TrialRow[] {
  return trials.filter((row) => row.base === base && row.state !== 'FAILED' && row.folds > 0);
}

/**
 * The order of a sweep's trials: by estimator, then most epochs and folds first, then the best mean. A mean of one fold
 * is not ranked among means of ten.
 * @param bases the searched estimators, in the order to list them
 * @returns a comparator for `sort`
 */
export function trialOrder(metric: MetricName, bases: readonly string[]): (a: TrialRow, b: TrialRow) => number {
  const keys = ({ base, epochs, folds, mean }: TrialRow) => [
    -bases.indexOf(base),
    epochs?.trained ?? 0,
    folds,
    mean === null ? Number.MIN_SAFE_INTEGER : scoreOf(metric, mean),
  ];
  return (a, b) => {
    const [first, second] = [keys(a), keys(b)];
    const at = first.findIndex((value, i) => value !== second[i]);
    return at < 0 ? 0 : second[at] - first[at];
  };
}
