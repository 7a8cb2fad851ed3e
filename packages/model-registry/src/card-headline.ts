import { printable } from '@cryfold/core';
import { groupsKnown, leakHeadline, METRICS, type MetricName } from '@cryfold/evaluation';
import type { CardMetrics, ModelCard } from './card.js';

/** The most important metric on a card, which is always quoted with its protocol. */
export interface CardHeadline {
  metric: MetricName;
  /** Mean and deviation over test folds */
  mean: number;
  protocol: string;
  /** Problems that make the figure look too good */
  warning?: string;
}

/**
 * Returns the most important figure of a run. Older cards do not record which figure that is, so accuracy is used for
 * them.
 * @param known whether the groups of the data are known
 */
export function headlineOf(metrics: CardMetrics, known = true): CardHeadline {
  const { metric = 'accuracy', protocol, leaks } = metrics;
  const warning = leakHeadline(leaks, known);
  return { metric, mean: metrics[metric].mean, protocol, ...(warning && { warning }) };
}

/** Formats a figure as `balanced accuracy 61.51 %` or `log-loss 0.4312`. */
export function headlineText({ metric, mean }: Pick<CardHeadline, 'metric' | 'mean'>): string {
  const { title, share } = METRICS[metric];
  return `${title} ${share ? `${(100 * mean).toFixed(2)} %` : mean.toFixed(4)}`;
}

/**
 * Returns one sentence with the cross-validation result of the model's own run; undefined for a card without results.
 */
export function evaluationText({ metrics: [own], data }: Pick<ModelCard, 'metrics' | 'data'>): string | undefined {
  if (!own) return undefined;
  const headline = headlineOf(own, groupsKnown(data));
  const text = `Mean ${headlineText(headline)} over test folds (${printable(headline.protocol)}).`;
  return headline.warning ? `${text} ${headline.warning}` : text;
}
