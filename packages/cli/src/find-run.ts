import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CryfoldError, storeKeys } from '@cryfold/core';
import { decodeResults, type RunResults } from '@cryfold/evaluation';
import type { Config } from '@cryfold/runtime';
import { openStoreOf } from './open-store.js';

export interface FoundRun {
  results: RunResults;
  /** Where the run's folds are; undefined for a directory that holds copies of results only. */
  storeUrl: string | undefined;
}

/** Where `cryfold run` puts things when it is not told. */
export const DEFAULT_OUT = 'cryfold-out';

const isDirectory = (path: string) =>
  stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );

/**
 * Finds a finished run by its id or by the `--out` directory it was written to. Its store is CRYFOLD_STORE, else the
 * folder `store` in or beside that directory, else the one in `cryfold-out`.
 * @throws CryfoldError RUN_NOT_FOUND
 */
export async function findRun(run: string, config: Pick<Config, 'storeUrl' | 's3' | 'server'>): Promise<FoundRun> {
  const folder = resolve(run);
  if (await isDirectory(folder)) {
    const file = join(folder, 'results.json');
    const bytes = await readFile(file).catch((cause) => {
      throw notFound(run, `${run} holds no results.json`, cause);
    });
    return { results: decodeResults(bytes, file), storeUrl: config.storeUrl ?? (await storeNear(folder)) };
  }
  if (!/^[a-z0-9][a-z0-9-]*$/.test(run)) throw notFound(run, `${run} is neither a directory nor the id of a run`);
  const storeUrl = config.storeUrl ?? `file:${resolve(DEFAULT_OUT, 'store')}`;
  const store = openStoreOf(storeUrl, config);
  try {
    const key = storeKeys.results(run);
    const bytes = await store.get(key);
    if (!bytes) throw notFound(run, `the store has no finished run ${run}`);
    return { results: decodeResults(bytes, key), storeUrl };
  } finally {
    await store.close();
  }
}

/** As `findRun`, for what needs the folds themselves. */
export async function findStoredRun(run: string, config: Pick<Config, 'storeUrl' | 's3' | 'server'>) {
  const { results, storeUrl } = await findRun(run, config);
  if (storeUrl) return { results, storeUrl };
  throw notFound(run, `${run} holds results, but no store with the folds behind them`);
}

async function storeNear(folder: string): Promise<string | undefined> {
  for (const candidate of [join(folder, 'store'), join(folder, '..', 'store')]) {
    if (await isDirectory(candidate)) return `file:${candidate}`;
  }
  return undefined;
}

function notFound(run: string, message: string, cause?: unknown): CryfoldError {
  return new CryfoldError('RUN_NOT_FOUND', message, {
    cause,
    context: { run },
    hint: `Give the --out directory of a finished run, or a run's id with CRYFOLD_STORE set (default: ${DEFAULT_OUT}/store).`,
  });
}
