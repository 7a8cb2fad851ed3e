import { join, resolve } from 'node:path';
import { storeFolder } from '@cryfold/store';
import { DEFAULT_STORE } from './store-url.js';
import { checkOutFolder, OutFolder } from './write-out.js';

/**
 * Creates the log folder of a run that this machine executes. Its parent folder contains the lock of the run. In a file
 * store, both are next to the run's records.
 * @throws CryfoldError OUT_UNWRITABLE
 */
export function logFolder(storeUrl: string, run: string): Promise<string> {
  return new OutFolder(folderOfRuns(storeUrl)).folder(`${run}/logs`);
}

/**
 * The parent folder of all runs that this machine executes. It is local even if the store is a bucket, which does not
 * support appending to logs.
 */
export function folderOfRuns(storeUrl: string): string {
  const folder = storeFolder(storeUrl);
  return folder === undefined ? resolve(DEFAULT_STORE, 'local') : join(folder, 'runs');
}

/** The location of a file of a run: a path, or an address in the bucket. */
export function placeOfFile(storeUrl: string, run: string, name: string): string {
  const folder = storeFolder(storeUrl);
  return folder === undefined ? `${storeUrl.replace(/\/$/, '')}/runs/${run}/${name}` : join(folder, 'runs', run, name);
}

/** Fails fast if the folder of a file store cannot be written. @throws CryfoldError OUT_UNWRITABLE */
export async function checkStoreFolder(storeUrl: string): Promise<void> {
  const folder = storeFolder(storeUrl);
  if (folder !== undefined) await checkOutFolder(folder);
}
