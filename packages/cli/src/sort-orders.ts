import { Option } from 'commander';

/** What `cryfold list --sort` takes; the first is the default. */
export const RUN_ORDERS = ['date', 'score', 'dataset'] as const;
/** What `cryfold models list --sort` takes; the first is the default. */
export const MODEL_ORDERS = ['name', 'date', 'score', 'dataset'] as const;

export type RunOrder = (typeof RUN_ORDERS)[number];
export type ModelOrder = (typeof MODEL_ORDERS)[number];

export function sortOption(orders: readonly string[]): Option {
  return new Option('--sort <by>', 'what to sort by; the newest or best first').choices(orders).default(orders[0]);
}
