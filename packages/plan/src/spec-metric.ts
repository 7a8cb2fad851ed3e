import type { MetricName } from '@cryfold/evaluation';
import type { Spec } from './spec-schema.js';

/** What a spec's models are compared and headlined by; in a sweep it is also what the trials are chosen by. */
export function metricOfSpec({ search, metric }: Pick<Spec, 'search' | 'metric'>): MetricName {
  return search?.metric ?? metric ?? 'accuracy';
}

/**
 * A spec whose models are compared and headlined by this metric. No fold's key depends on it. Accuracy is not written,
 * so that the run is the one of a spec that names no metric.
 */
export function withMetric({ metric: _, ...spec }: Spec, metric: MetricName): Spec {
  if (spec.search) return { ...spec, search: { ...spec.search, metric } };
  return metric === 'accuracy' ? spec : { ...spec, metric };
}
