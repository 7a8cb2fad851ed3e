import { METRIC_NAMES, type MetricName } from './metric.js';
import type { RunResults } from './results.js';

/**
 * The metric that a run's models are tested, ordered and headlined by: what its comparisons are of, else a sweep's metric,
 * else the spec's, else accuracy. Sweeps of earlier versions were tested by accuracy whatever they chose by.
 */
export function metricOf({
  spec,
  search,
  comparisons: [first],
}: Pick<RunResults, 'spec' | 'search' | 'comparisons'>): MetricName {
  if (first) return first.metric ?? 'accuracy';
  return search?.metric ?? METRIC_NAMES.find((name) => name === spec.metric) ?? 'accuracy';
}
