import { join } from 'node:path';
import { type GroupSource, NO_GROUPS } from '@cryfold/core';
import { findColumns } from '../columns.js';
import { readRows } from '../manifest.js';
import { readTable } from '../table.js';
import { isFile } from './is-file.js';
import type { Layout, Reading, Tree } from './layout.js';
import { misnamed } from './paths.js';
import { splitFolds } from './split-folders.js';

const NAME = 'metadata.csv';

/** Returns the folders, ending in `/`, whose `metadata.csv` has a `file_name` column: the root or folders in it. */
async function tables({ root, files }: Tree): Promise<string[]> {
  const top = new Set(files.map((file) => (file.includes('/') ? file.slice(0, file.indexOf('/') + 1) : '')));
  const folders = ['', ...[...top].filter((folder) => folder !== '')];
  const found: string[] = [];
  for (const folder of folders) {
    const path = join(root, folder, NAME);
    if (!(await isFile(path))) continue;
    const { header } = await readTable(path);
    if (findColumns(header, { path: 'file_name' }).path >= 0) found.push(folder);
  }
  return found;
}

/** Combines the group sources of several tables. The result is partial if some tables lack the group column. */
function sourceOf(sources: readonly GroupSource[]): GroupSource {
  const known = sources.find(({ kind }) => kind !== 'none');
  if (!known) return NO_GROUPS;
  return sources.every(({ kind, partial }) => kind !== 'none' && !partial) ? known : { ...known, partial: true };
}

/**
 * AudioFolder of Hugging Face datasets: `metadata.csv` with the columns `file_name` and `label`, in the root or in the
 * folder of each part.
 */
export const audioFolder: Layout = {
  name: 'audiofolder',
  meaning: 'metadata.csv with the columns file_name and label (optionally group and fold)',
  fits: async (tree) => ((await tables(tree)).length > 0 ? 'sure' : 'no'),
  read: async (tree): Promise<Reading> => {
    const parts = splitFolds(tree);
    const readings = [];
    for (const folder of await tables(tree)) {
      readings.push(await readRows(join(tree.root, folder, NAME), { root: tree.root, path: 'file_name' }));
    }
    const recordings = readings.flatMap((one) => one.recordings);
    const listed = new Set(recordings.map(({ file }) => file));
    return {
      groupSource: sourceOf(readings.map((one) => one.groupSource)),
      recordings: [
        ...recordings.map((one) => {
          const fold = parts?.folds.get(one.file);
          return 'error' in one || one.fold !== undefined || fold === undefined ? one : { ...one, fold };
        }),
        ...tree.files.filter((file) => !listed.has(file)).map((file) => misnamed(file, `is not in ${NAME}`)),
      ],
      ...(parts && { apart: parts.apart }),
      warnings: [...new Set(readings.flatMap((one) => one.warnings ?? []))],
      groupHints: readings.flatMap((one) => one.groupHints ?? []),
    };
  },
};
