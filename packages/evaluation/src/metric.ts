import {
  accuracy,
  argmaxRows,
  balancedAccuracy,
  type Confusion,
  confusionMatrix,
  logLoss,
  macroF1,
} from './metrics.js';

/** A metric by which models can be chosen, compared and ranked. */
export interface Metric {
  /** Name in tables and sentences */
  title: string;
  /** 1 if larger is better, -1 if smaller is better */
  sign: 1 | -1;
  /** Whether the metric is a share in [0, 1], which is shown in percent. Other metrics have no upper bound */
  share: boolean;
  /**
   * Computes the metric over a set of clips.
   * @param labels true class of each clip
   * @param rows probabilities, clips x classes, row-major; for a metric that is a share, decision values work too
   */
  of(labels: ArrayLike<number>, rows: Float64Array, classes: number): number;
  /**
   * Computes the metric from a confusion matrix with possibly weighted counts; absent if the metric needs probabilities
   */
  ofConfusion?: (confusion: Confusion) => number;
}

const share = (title: string, ofConfusion: (confusion: Confusion) => number): Metric => ({
  ...{ title, sign: 1, share: true, ofConfusion },
  of: (labels, rows, classes) => ofConfusion(confusionMatrix(labels, argmaxRows(rows, classes), classes)),
});

export const METRIC_NAMES = ['accuracy', 'balancedAccuracy', 'macroF1', 'logLoss'] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

export const METRICS: Readonly<Record<MetricName, Metric>> = {
  accuracy: share('accuracy', accuracy),
  balancedAccuracy: share('balanced accuracy', balancedAccuracy),
  macroF1: share('macro F1', macroF1),
  logLoss: { title: 'log-loss', sign: -1, share: false, of: logLoss },
};

/**
 * Computes a metric from a flat, row-major confusion matrix with possibly weighted counts.
 * @throws RangeError for a metric that needs probabilities
 */
export function metricOfCounts(metric: MetricName, counts: Float64Array, classes: number): number {
  const { ofConfusion } = METRICS[metric];
  if (!ofConfusion) throw new RangeError(`${metric} is not a metric of a confusion matrix`);
  return ofConfusion(Array.from({ length: classes }, (_, c) => [...counts.subarray(c * classes, (c + 1) * classes)]));
}

/** Converts the metric to a score where larger is better: a log-loss is negated. */
export function scoreOf(metric: MetricName, value: number): number {
  return METRICS[metric].sign * value;
}
