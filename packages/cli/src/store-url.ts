import { resolve } from 'node:path';
import type { Config } from '@cryfold/runtime';

/** CRYFOLD_STORE, the server's, or that of a local run with this `--out`. */
export const storeUrlOf = (out: string, { storeUrl }: Pick<Config, 'storeUrl'>): string =>
  storeUrl ?? `file:${resolve(out, 'store')}`;
