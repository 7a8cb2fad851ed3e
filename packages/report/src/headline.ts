import { bestModelOf, METRICS, type RunResults } from '@cryfold/evaluation';
import { baselineName } from './baseline.js';
import { metricText, valueText } from './metric-text.js';

/** One sentence with the best mean over folds by the run's metric, in comparison with the baseline. */
export function headline(results: RunResults): string {
  const best = bestModelOf(results);
  if (!best) return 'No model has a result.';
  const { metric, figures } = best;
  const { title, sign } = METRICS[metric];
  const majority = results.baselines.majority[metric];
  const baseline = majority ? `; ${baselineName(metric)} scores ${valueText(metric, majority.mean)}` : '';
  return (
    `The ${sign > 0 ? 'highest' : 'lowest'} mean ${title} is ${valueText(metric, figures.mean)}, of ${best.model} ` +
    `(from ${metricText(metric, figures.minimum)} to ${valueText(metric, figures.maximum)} over folds)${baseline}.`
  );
}
