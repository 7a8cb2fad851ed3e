import type { MetricName } from '@cryfold/evaluation';
import type { Spec } from './spec-schema.js';

/** Returns the metric by which a spec's models are compared and ranked. A sweep also selects trials by this metric. */
export function metricOfSpec({ search, metric }: Pick<Spec, 'search' | 'metric'>): MetricName {
  return search?.metric ?? metric ?? 'accuracy';
}

/**
 * Sets the metric by which a spec's models are compared and ranked. The metric does not affect the key of any fold.
 * Accuracy is not written to the spec, so that the run has the same id as a run of a spec without a metric.
 */
export function withMetric({ metric: _, ...spec }: Spec, metric: MetricName): Spec {
  if (spec.search) return { ...spec, search: { ...spec.search, metric } };
  return metric === 'accuracy' ? spec : { ...spec, metric };
}
