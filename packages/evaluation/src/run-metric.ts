import { METRIC_NAMES, type MetricName } from './metric.js';
import type { RunResults } from './results.js';

/**
 * The metric by which a run's models are tested, ordered and ranked: that of its comparisons, otherwise that of the
 * sweep or spec, otherwise accuracy. In earlier versions, sweeps were always tested by accuracy.
 */
export function metricOf({
  spec,
  search,
  comparisons: [first],
}: Pick<RunResults, 'spec' | 'search' | 'comparisons'>): MetricName {
  if (first) return first.metric ?? 'accuracy';
  return search?.metric ?? METRIC_NAMES.find((name) => name === spec.metric) ?? 'accuracy';
}
