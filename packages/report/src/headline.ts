import { METRICS, metricOf, type RunResults } from '@cryfold/evaluation';
import { baselineName } from './baseline.js';
import { metricText, valueText } from './metric-text.js';

/** The best mean over folds by the run's metric, and what needs no model, in a sentence. */
export function headline(results: RunResults): string {
  const metric = metricOf(results);
  const { title, sign } = METRICS[metric];
  const scored = results.models.flatMap(({ name, [metric]: figures }) => (figures ? [{ name, ...figures }] : []));
  if (scored.length === 0) return 'No model has a result.';
  const best = scored.reduce((a, b) => (sign * b.mean > sign * a.mean ? b : a));
  const majority = results.baselines.majority[metric];
  const baseline = majority ? `; ${baselineName(metric)} gets ${valueText(metric, majority.mean)}` : '';
  return (
    `The ${sign > 0 ? 'highest' : 'lowest'} mean ${title} is ${valueText(metric, best.mean)}, of ${best.name} ` +
    `(from ${metricText(metric, best.minimum)} to ${valueText(metric, best.maximum)} over folds)${baseline}.`
  );
}
