import { type MetricName, scoreOf } from './metric.js';
import type { SearchResults, TrialRow } from './results.js';

/**
 * Returns the trials of a searched estimator that have a score, whether completed or not. The winner is chosen from
 * these.
 * @param base name of the estimator in the spec
 */
export function begunTrials({ trials }: Pick<SearchResults, 'trials'>, base: string): TrialRow[] {
  return trials.filter((row) => row.base === base && row.state !== 'FAILED' && row.folds > 0);
}

/**
 * Orders the trials of a sweep by estimator, then by epochs and folds (most first), then by mean (best first). This
 * way, a mean over one fold is not ranked among means over ten folds.
 * @param bases the searched estimators, in the order in which to list them
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
