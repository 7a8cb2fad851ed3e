import { join, resolve } from 'node:path';
import { storeFolder } from '@cryfold/store';
import { DEFAULT_STORE } from './store-url.js';
import { checkOutFolder, OutFolder } from './write-out.js';

/**
 * Makes the folder for the logs of a run that this machine executes; the folder above it holds the run's lock. Where the
 * store is a folder, both are beside the run's records.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export function logFolder(storeUrl: string, run: string): Promise<string> {
  return new OutFolder(folderOfRuns(storeUrl)).folder(`${run}/logs`);
}

/** Where the folders of runs are that this machine executes. Logs grow while they are written, which a bucket does not take. */
export function folderOfRuns(storeUrl: string): string {
  const folder = storeFolder(storeUrl);
  return folder === undefined ? resolve(DEFAULT_STORE, 'local') : join(folder, 'runs');
}

/** Where a user finds a file of a run: a path, or an address in the bucket. */
export function placeOfFile(storeUrl: string, run: string, name: string): string {
  const folder = storeFolder(storeUrl);
  return folder === undefined ? `${storeUrl.replace(/\/$/, '')}/runs/${run}/${name}` : join(folder, 'runs', run, name);
}

/** Fails fast if the folder of a store of files cannot be written. @throws CryfoldError OUT_UNWRITABLE */
export async function checkStoreFolder(storeUrl: string): Promise<void> {
  const folder = storeFolder(storeUrl);
  if (folder !== undefined) await checkOutFolder(folder);
}
