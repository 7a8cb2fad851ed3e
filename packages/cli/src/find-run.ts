import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CryfoldError, readRegularFile, redactUrl } from '@cryfold/core';
import { decodeResults, type RunResults } from '@cryfold/evaluation';
import type { Config } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { RUN_ID } from '@cryfold/store';
import { LARGEST_RESULTS } from './copies.js';
import { openStoreOf } from './open-store.js';
import { ambiguous, resolveRun } from './run-name.js';
import { DEFAULT_STORE, namedStore, storeUrlOf, type Targeted } from './store-url.js';

export interface FoundRun {
  results: RunResults;
  /** Store that contains the run's folds; undefined for a folder that contains only copies of results. */
  storeUrl: string | undefined;
}

type Where = Pick<Config, 'target' | 's3'>;

const isKind = (path: string, kind: 'isDirectory' | 'isFile') =>
  stat(path).then(
    (entry) => entry[kind](),
    () => false,
  );

/**
 * Finds a finished run by a name that `resolveRun` accepts, or by a folder with its results: an `--out` folder or the
 * run's own folder in a file store. A folder with results takes precedence over a run with that name.
 * @throws CryfoldError RUN_NOT_FOUND, RUN_AMBIGUOUS
 */
export async function findRun(run: string, config: Where): Promise<FoundRun> {
  const folder = await resultsFolder(run);
  if (folder !== undefined) return foundIn(folder, run, config);
  if (!RUN_ID.test(run)) {
    const why = (await isKind(run, 'isDirectory'))
      ? `${run} contains no results.json`
      : `${run} is neither a folder nor a run id`;
    throw notFound(run, why, hintOf(config));
  }
  const storeUrl = storeUrlOf(config);
  const store = openStoreOf(storeUrl, config);
  try {
    const id = await resolveRun(run, store);
    const results = await store.runs.results(id);
    if (!results) throw await noResults(store, id, `${placeOf(storeUrl, config)} has no run ${run}`, hintOf(config));
    return { results, storeUrl };
  } finally {
    await store.close();
  }
}

/**
 * The folder with results that a path refers to: the folder itself, or its only subfolder with results.
 * @returns undefined if there are no results
 * @throws CryfoldError RUN_AMBIGUOUS if several subfolders have results, as after `cryfold run --protocol
 * paper,grouped`
 */
async function resultsFolder(path: string): Promise<string | undefined> {
  if (!(await isKind(path, 'isDirectory'))) return undefined;
  if (await isKind(join(path, 'results.json'), 'isFile')) return resolve(path);
  const below = (await readdir(path)).sort().map((name) => join(path, name));
  const has = await Promise.all(below.map((folder) => isKind(join(folder, 'results.json'), 'isFile')));
  const found = below.filter((_, i) => has[i]);
  if (found.length > 1) throw ambiguous(path, found);
  return found[0] && resolve(found[0]);
}

async function foundIn(folder: string, run: string, config: Where): Promise<FoundRun> {
  const file = join(folder, 'results.json');
  const bytes = await readRegularFile(file, LARGEST_RESULTS).catch((cause) => {
    throw notFound(run, `${run}: cannot read results.json: ${cause.message}`, LOCAL, cause);
  });
  const results = decodeResults(bytes, file);
  return { results, storeUrl: namedStore(config) ?? (await storeNear(folder, results.run.id)) };
}

/** Like `findRun`, but for commands that also need the folds. */
export async function findStoredRun(run: string, config: Where) {
  const found = await findRun(run, config);
  return { results: found.results, storeUrl: storeBehind(run, found) };
}

/** The store with the folds of a run. @throws CryfoldError RUN_NOT_FOUND */
export function storeBehind(run: string, { storeUrl }: FoundRun): string {
  if (storeUrl) return storeUrl;
  throw notFound(run, `${run} contains results, but their folds are not in any known store`, LOCAL);
}

/**
 * Finds the store of a run: the one that contains its folder, one next to the results (as in earlier versions), or the
 * default store.
 */
async function storeNear(folder: string, run: string): Promise<string | undefined> {
  const parent = dirname(folder);
  const candidates = [
    ...(basename(parent) === 'runs' ? [dirname(parent)] : []),
    ...[join(folder, 'store'), join(parent, 'store'), resolve(DEFAULT_STORE)],
  ];
  for (const candidate of candidates) {
    if (await isKind(join(candidate, 'runs', run), 'isDirectory')) return `file:${candidate}`;
  }
  return undefined;
}

/** Describes a store for messages, as `the server https://...` or `the store file:...` */
export const placeOf = (storeUrl: string, { target }: Targeted): string =>
  `the ${target.kind === 'server' && target.url === storeUrl ? 'server' : 'store'} ${redactUrl(storeUrl)}`;

const LOCAL =
  'Specify a run id or a folder with results. Choose the store with --store. To list its runs, use: cryfold list';

const hintOf = ({ target }: Where) =>
  target.kind === 'server'
    ? 'Specify the id of a run on the server, or a folder with results. To list the runs on the server, use: cryfold list'
    : LOCAL;

/** The error for a run without results, which either has not ended or does not exist. */
export async function noResults(store: RunStore, run: string, message: string, hint: string): Promise<CryfoldError> {
  if (!(await store.runs.has(run))) return notFound(run, message, hint);
  return notFound(
    run,
    `run ${run} has not ended`,
    `To show its progress, use: cryfold status ${run}\nIf it was stopped or cancelled, continue it with: cryfold retry ${run}`,
  );
}

function notFound(run: string, message: string, hint: string, cause?: unknown): CryfoldError {
  return new CryfoldError('RUN_NOT_FOUND', message, { cause, context: { run }, hint });
}
