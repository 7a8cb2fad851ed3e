import { METRICS, type MetricName, type RunResults } from '@cryfold/evaluation';
import { percent } from './text.js';

/**
 * What the run's models are tested and headlined by: a sweep's metric, else accuracy. Older sweeps were tested by
 * accuracy whatever they chose by, and are shown so.
 */
export function metricOf({ search, comparisons: [first] }: Pick<RunResults, 'search' | 'comparisons'>): MetricName {
  return first ? (first.metric ?? 'accuracy') : (search?.metric ?? 'accuracy');
}

/** A difference of a metric with its sign: percentage points of a share, or four decimals. */
export function differenceText(metric: MetricName, difference: number | null): string {
  if (difference === null) return '-';
  const text = METRICS[metric].share ? (100 * difference).toFixed(2) : difference.toFixed(4);
  return difference > 0 ? `+${text}` : text;
}

/** The best mean over folds, and what the majority class gets where that is comparable, in a sentence. */
export function headline(results: RunResults): string {
  const metric = metricOf(results);
  const { title, sign, share } = METRICS[metric];
  const scored = results.models.flatMap(({ name, [metric]: figures }) => (figures ? [{ name, ...figures }] : []));
  if (scored.length === 0) return 'No model has a result.';
  const best = scored.reduce((a, b) => (sign * b.mean > sign * a.mean ? b : a));
  const figure = (value: number) => (share ? percent(value) : value.toFixed(4));
  const unit = share ? ' %' : '';
  const majority = results.baselines.majority.accuracy;
  const baseline =
    metric === 'accuracy' && majority ? `; always answering the majority class gets ${percent(majority.mean)} %` : '';
  return (
    `The ${sign > 0 ? 'highest' : 'lowest'} mean ${title} is ${figure(best.mean)}${unit}, of ${best.name} ` +
    `(from ${figure(best.minimum)} to ${figure(best.maximum)}${unit} over folds)${baseline}.`
  );
}
