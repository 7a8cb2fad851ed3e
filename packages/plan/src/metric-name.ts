import { CryfoldError, didYouMean } from '@cryfold/core';
import { METRIC_NAMES, type MetricName } from '@cryfold/evaluation';

/** Parses the value of `--metric`. @throws CryfoldError USAGE */
export function metricNamed(name: string): MetricName {
  const metric = METRIC_NAMES.find((one) => one === name);
  if (metric) return metric;
  throw new CryfoldError('USAGE', `--metric: there is no metric ${JSON.stringify(name)}`, {
    context: { metric: name },
    hint: `${didYouMean(name, METRIC_NAMES)}Metrics: ${METRIC_NAMES.join(', ')}.`,
  });
}
