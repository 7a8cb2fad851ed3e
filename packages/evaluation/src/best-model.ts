import { type MetricName, scoreOf } from './metric.js';
import type { ModelResults, RunResults } from './results.js';
import { metricOf } from './run-metric.js';

/** The model with the best mean over the test folds. */
export interface BestModel {
  /** The run's metric, by which the best model was chosen */
  metric: MetricName;
  model: string;
  /** Mean of the metric over the folds that have a result */
  figures: NonNullable<ModelResults['accuracy']>;
}

/**
 * Returns the best model by the run's metric, or the first of several equally good models. Returns undefined if no
 * model has a result.
 */
export function bestModelOf(
  results: Pick<RunResults, 'spec' | 'search' | 'comparisons' | 'models'>,
): BestModel | undefined {
  const metric = metricOf(results);
  const scored = results.models.flatMap(({ name: model, [metric]: figures }) =>
    figures ? [{ metric, model, figures }] : [],
  );
  return scored.reduce<BestModel | undefined>(
    (best, one) => (best && scoreOf(metric, best.figures.mean) >= scoreOf(metric, one.figures.mean) ? best : one),
    undefined,
  );
}
