import { METRIC_NAMES, type MetricName } from './metric.js';
import type { RunResults } from './results.js';

/**
 * The metric by which a run's models are tested, ordered and headlined: that of its comparisons, otherwise that of the
 * sweep or spec, otherwise accuracy. Sweeps of earlier versions were tested by accuracy whatever their metric.
 */
export function metricOf({
  spec,
  search,
  comparisons: [first],
}: Pick<RunResults, 'spec' | 'search' | 'comparisons'>): MetricName {
  if (first) return first.metric ?? 'accuracy';
  return search?.metric ?? METRIC_NAMES.find((name) => name === spec.metric) ?? 'accuracy';
}
