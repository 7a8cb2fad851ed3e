import { Option } from 'commander';

/** Values of `cryfold list --sort`; the first is the default. */
export const RUN_ORDERS = ['date', 'score', 'dataset'] as const;
/** Values of `cryfold models list --sort`; the first is the default. */
export const MODEL_ORDERS = ['name', 'date', 'score', 'dataset'] as const;

export type RunOrder = (typeof RUN_ORDERS)[number];
export type ModelOrder = (typeof MODEL_ORDERS)[number];

export function sortOption(orders: readonly string[]): Option {
  const what = 'column to sort by (dates and scores are sorted in descending order)';
  return new Option('--sort <by>', what).choices(orders).default(orders[0]);
}
