import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';
import { storeFolder } from '@cryfold/store';
import { shortPath } from './command-text.js';

export type Targeted = Pick<Config, 'target'>;

/** The folder of the store where neither `--store` nor CRYFOLD_STORE names one. */
export const DEFAULT_STORE = 'cryfold';

/** The store that `--store` or the environment names, or the server's; undefined: the default one. */
export const namedStore = ({ target }: Targeted): string | undefined =>
  target.kind === 'server' ? target.url : target.storeUrl;

/** Where runs and models are: what `namedStore` answers, else the folder `cryfold` here. */
export const storeUrlOf = (config: Targeted): string => namedStore(config) ?? `file:${resolve(DEFAULT_STORE)}`;

/** `--store` of a command that works on what was found in a store, where that is not the one of the present command. */
export function otherStore(storeUrl: string, config: Targeted): string | undefined {
  if (storeUrl === storeUrlOf(config)) return undefined;
  const folder = storeFolder(storeUrl);
  return folder === undefined ? storeUrl : shortPath(folder);
}

/** @throws CryfoldError USAGE where a command would hand work to the workers of a cluster whose store nobody names */
export function requireStore({ target }: Targeted): void {
  if (target.kind !== 'cluster' || target.storeUrl !== undefined) return;
  throw new CryfoldError('USAGE', 'REDIS_URL is set, but CRYFOLD_STORE is not', {
    context: { variable: 'CRYFOLD_STORE' },
    hint: 'Set CRYFOLD_STORE, or pass --store, to name the store that the workers of that cluster use; or unset REDIS_URL.',
  });
}
