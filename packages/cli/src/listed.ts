import { METRICS, type MetricName, scoreOf } from '@cryfold/evaluation';

/** What runs and versions of models are sorted by. */
export interface Listed {
  /** ISO 8601; empty where it is not known */
  date: string;
  dataset: string;
  metric: MetricName | undefined;
  /** Of the metric; undefined where there is none yet */
  mean: number | undefined;
}

/** Comparisons by the name that `--sort` takes. Equal elements keep their order. */
export const BY: Readonly<Record<'date' | 'score' | 'dataset', (a: Listed, b: Listed) => number>> = {
  date: (a, b) => compare(b.date, a.date),
  score: (a, b) => compare(rank(a), rank(b)) || scored(b) - scored(a),
  dataset: (a, b) => compare(a.dataset, b.dataset),
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Values of different metrics cannot be compared: each metric's are together, and those without any are last. */
function rank({ metric, mean }: Listed): string {
  return metric && mean !== undefined ? `0${METRICS[metric].title}` : '1';
}

const scored = ({ metric, mean }: Listed): number => (metric && mean !== undefined ? scoreOf(metric, mean) : 0);
