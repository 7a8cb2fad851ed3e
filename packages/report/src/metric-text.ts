import { METRICS, type MetricName } from '@cryfold/evaluation';

/** Formats a log-loss in nats, and any other metric in percent, without the unit. */
export function metricText(metric: MetricName, value: number | null): string {
  if (value === null) return '-';
  return METRICS[metric].share ? (100 * value).toFixed(2) : value.toFixed(4);
}

/** Like `metricText`, with the unit. */
export function valueText(metric: MetricName, value: number | null): string {
  return `${metricText(metric, value)}${METRICS[metric].share ? ' %' : ''}`;
}

/** Formats a difference in a metric with its sign: in percentage points for a share, otherwise with four decimals. */
export function differenceText(metric: MetricName, difference: number | null): string {
  const text = metricText(metric, difference);
  return difference !== null && difference > 0 ? `+${text}` : text;
}

/** Returns a title such as `Balanced accuracy over test folds, percent` or `Log-loss over test folds`. */
export function foldsTitle(metric: MetricName): string {
  return `${capitalTitle(metric)} over test folds${METRICS[metric].share ? ', percent' : ''}`;
}

/** Returns the title of a metric, capitalised to begin a sentence. */
export function capitalTitle(metric: MetricName): string {
  const { title } = METRICS[metric];
  return title[0].toUpperCase() + title.slice(1);
}
