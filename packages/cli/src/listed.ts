import { METRICS, type MetricName, scoreOf } from '@cryfold/evaluation';

/** Sort keys of runs and model versions. */
export interface Listed {
  /** ISO 8601; empty if unknown */
  date: string;
  dataset: string;
  metric: MetricName | undefined;
  /** Mean of the metric; undefined until it is known */
  mean: number | undefined;
}

/** Comparison functions by `--sort` name. Equal elements keep their order. */
export const BY: Readonly<Record<'date' | 'score' | 'dataset', (a: Listed, b: Listed) => number>> = {
  date: (a, b) => compare(b.date, a.date),
  score: (a, b) => compare(rank(a), rank(b)) || scored(b) - scored(a),
  dataset: (a, b) => compare(a.dataset, b.dataset),
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Values of different metrics cannot be compared, so they are grouped by metric. Entries without a score come last. */
function rank({ metric, mean }: Listed): string {
  return metric && mean !== undefined ? `0${METRICS[metric].title}` : '1';
}

const scored = ({ metric, mean }: Listed): number => (metric && mean !== undefined ? scoreOf(metric, mean) : 0);
