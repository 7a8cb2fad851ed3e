import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import type { Config } from '@cryfold/runtime';
import { storeFolder } from '@cryfold/store';
import { shortPath } from './command-text.js';

export type Targeted = Pick<Config, 'target'>;

/** The default store folder, if neither `--store` nor CRYFOLD_STORE is set. */
export const DEFAULT_STORE = 'cryfold';

/** The store that `--store` or the environment specifies, or the URL of the server; undefined for the default store. */
export const namedStore = ({ target }: Targeted): string | undefined =>
  target.kind === 'server' ? target.url : target.storeUrl;

/** URL of the store: `namedStore`, or the folder `cryfold` in the working directory. */
export const storeUrlOf = (config: Targeted): string => namedStore(config) ?? `file:${resolve(DEFAULT_STORE)}`;

/** The `--store` value that a suggested command needs if its store differs from the store of the current command. */
export function otherStore(storeUrl: string, config: Targeted): string | undefined {
  if (storeUrl === storeUrlOf(config)) return undefined;
  const folder = storeFolder(storeUrl);
  return folder === undefined ? storeUrl : shortPath(folder);
}

/** @throws CryfoldError USAGE if the command needs the workers of a cluster, but their store is not set */
export function requireStore({ target }: Targeted): void {
  if (target.kind !== 'cluster' || target.storeUrl !== undefined) return;
  throw new CryfoldError('USAGE', 'REDIS_URL is set, but CRYFOLD_STORE is not', {
    context: { variable: 'CRYFOLD_STORE' },
    hint: 'Use CRYFOLD_STORE or --store to specify the store that the workers of this cluster use, or unset REDIS_URL.',
  });
}
