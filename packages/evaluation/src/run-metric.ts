import { METRIC_NAMES, type MetricName } from './metric.js';
import type { RunResults } from './results.js';

/**
 * Returns the metric by which a run's models are tested, ordered and ranked: the metric of its comparisons if there are
 * any, otherwise the metric of the sweep or spec, otherwise accuracy. In earlier versions, sweeps were always tested by
 * accuracy.
 */
export function metricOf({
  spec,
  search,
  comparisons: [first],
}: Pick<RunResults, 'spec' | 'search' | 'comparisons'>): MetricName {
  if (first) return first.metric ?? 'accuracy';
  return search?.metric ?? METRIC_NAMES.find((name) => name === spec.metric) ?? 'accuracy';
}
