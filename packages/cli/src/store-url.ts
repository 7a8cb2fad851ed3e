import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';

export type Targeted = Pick<Config, 'target'>;

/** The store that the environment names: CRYFOLD_STORE, or the server's; undefined: a folder of the command's own. */
export const namedStore = ({ target }: Targeted): string | undefined =>
  target.kind === 'server' ? target.url : target.storeUrl;

/** CRYFOLD_STORE, the server's, or that of a local run with this `--out`. */
export const storeUrlOf = (out: string, config: Targeted): string =>
  namedStore(config) ?? `file:${resolve(out, 'store')}`;

/** As the environment says, but with this store: that of several runs side by side. */
export function withStore<T extends Targeted>(config: T, storeUrl: string): T {
  const { target } = config;
  return target.kind === 'server' ? config : { ...config, target: { ...target, storeUrl } };
}

/** @throws CryfoldError USAGE where a command would hand work to the workers of a cluster whose store nobody names */
export function requireStore({ target }: Targeted): void {
  if (target.kind !== 'cluster' || target.storeUrl !== undefined) return;
  throw new CryfoldError('USAGE', 'REDIS_URL is set, but CRYFOLD_STORE is not', {
    context: { variable: 'CRYFOLD_STORE' },
    hint: 'Set CRYFOLD_STORE to the store that the workers of that cluster use, or unset REDIS_URL.',
  });
}
