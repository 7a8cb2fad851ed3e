import { accuracy, argmaxRows, balancedAccuracy, confusionMatrix, logLoss } from './metrics.js';

export const SEARCH_METRICS = ['accuracy', 'balancedAccuracy', 'logLoss'] as const;
export type SearchMetric = (typeof SEARCH_METRICS)[number];

/**
 * What a sweep compares trials by, of one fold: larger is better, so a log-loss has its sign changed.
 * @param labels true class of each test clip
 * @param rows probabilities or decision values, clips x classes
 */
export function searchScore(
  metric: SearchMetric,
  labels: ArrayLike<number>,
  rows: Float64Array,
  classes: number,
): number {
  if (metric === 'logLoss') return -logLoss(labels, rows, classes);
  const confusion = confusionMatrix(labels, argmaxRows(rows, classes), classes);
  return metric === 'accuracy' ? accuracy(confusion) : balancedAccuracy(confusion);
}
