import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CryfoldError, readRegularFile, redactUrl } from '@cryfold/core';
import { decodeResults, type RunResults } from '@cryfold/evaluation';
import type { Config } from '@cryfold/runtime';
import { RUN_ID, type RunStore } from '@cryfold/store';
import { DEFAULT_OUT } from './default-out.js';
import { openStoreOf } from './open-store.js';
import { namedStore, storeUrlOf, type Targeted } from './store-url.js';

export interface FoundRun {
  results: RunResults;
  /** Where the run's folds are; undefined for a directory that holds copies of results only. */
  storeUrl: string | undefined;
}

type Where = Pick<Config, 'target' | 's3'>;

/** Bytes of the largest results.json that is read. */
const LARGEST_RESULTS = 2 ** 28;

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
export async function findRun(run: string, config: Where): Promise<FoundRun> {
  const folder = resolve(run);
  if (await isDirectory(folder)) {
    const file = join(folder, 'results.json');
    const bytes = await readRegularFile(file, LARGEST_RESULTS).catch((cause) => {
      throw notFound(run, `${run} holds no results.json that can be read: ${cause.message}`, LOCAL, cause);
    });
    return { results: decodeResults(bytes, file), storeUrl: namedStore(config) ?? (await storeNear(folder)) };
  }
  if (!RUN_ID.test(run)) throw notFound(run, `${run} is neither a directory nor the id of a run`, hintOf(config));
  const storeUrl = storeUrlOf(DEFAULT_OUT, config);
  const store = openStoreOf(storeUrl, config);
  try {
    const results = await store.runs.results(run);
    if (!results) throw await noResults(store, run, `${placeOf(storeUrl, config)} has no run ${run}`, hintOf(config));
    return { results, storeUrl };
  } finally {
    await store.close();
  }
}

/** As `findRun`, for what needs the folds themselves. */
export async function findStoredRun(run: string, config: Where) {
  const found = await findRun(run, config);
  return { results: found.results, storeUrl: storeBehind(run, found) };
}

/** Where the folds of a run are that was found. @throws CryfoldError RUN_NOT_FOUND */
export function storeBehind(run: string, { storeUrl }: FoundRun): string {
  if (storeUrl) return storeUrl;
  throw notFound(run, `${run} holds results, but no store with the folds behind them`, LOCAL);
}

async function storeNear(folder: string): Promise<string | undefined> {
  for (const candidate of [join(folder, 'store'), join(folder, '..', 'store')]) {
    if (await isDirectory(candidate)) return `file:${candidate}`;
  }
  return undefined;
}

/** `the server https://...` or `the store file:...` */
export const placeOf = (storeUrl: string, { target }: Targeted): string =>
  `the ${target.kind === 'server' && target.url === storeUrl ? 'server' : 'store'} ${redactUrl(storeUrl)}`;

const LOCAL = `Give the --out directory of a finished run, or a run's id with CRYFOLD_STORE set (default: ${DEFAULT_OUT}/store).`;

const hintOf = ({ target }: Where) =>
  target.kind === 'server'
    ? 'cryfold list shows the runs of the server; the --out directory of a run that ended will do, too.'
    : LOCAL;

/** Why a run has no results: it has not ended, or there is no such run. */
export async function noResults(store: RunStore, run: string, message: string, hint: string): Promise<CryfoldError> {
  if (!(await store.runs.has(run))) return notFound(run, message, hint);
  return notFound(
    run,
    `run ${run} has not ended`,
    `cryfold status ${run} tells how far it is; cryfold retry ${run} goes on with a cancelled one.`,
  );
}

function notFound(run: string, message: string, hint: string, cause?: unknown): CryfoldError {
  return new CryfoldError('RUN_NOT_FOUND', message, { cause, context: { run }, hint });
}
