import type { RunStatus } from '@cryfold/run-control';
import { valueText } from './dom.js';

type MetricName = NonNullable<RunStatus['metric']>;

/** Same as `METRICS` of the evaluation package, which the page cannot import. */
const METRICS: Record<MetricName, { title: string; share: boolean; sign: 1 | -1 }> = {
  accuracy: { title: 'accuracy', share: true, sign: 1 },
  balancedAccuracy: { title: 'balanced accuracy', share: true, sign: 1 },
  macroF1: { title: 'macro F1', share: true, sign: 1 },
  logLoss: { title: 'log-loss', share: false, sign: -1 },
};

/** Formats a score, such as `accuracy 82.5 %`. */
export function scoreText(metric: MetricName, mean: number): string {
  const { title, share } = METRICS[metric];
  return `${title} ${valueText(mean, share)}`;
}

export const titleOf = (metric: MetricName): string => METRICS[metric].title;

/** Converts a mean to a sort key: the better the mean, the larger the key. */
export const rank = (metric: MetricName, mean: number): number => METRICS[metric].sign * mean;

/** Formats an ISO 8601 time as `2026-11-27 19:37`, in UTC as on the command line. */
export const dateText = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

/** Formats a protocol, such as `paper-folds 2x4`. */
export function protocolText({ name, splitter, repeats, folds }: NonNullable<RunStatus['protocol']>): string {
  return `${name ?? splitter} ${repeats}x${folds}`;
}

/** Formats parameters, such as `C 100, gamma scale`. */
export function settingsText(parameters: Readonly<Record<string, unknown>>): string {
  const plain = (value: unknown) =>
    Array.isArray(value) ? value.join('-') : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(', ');
}
