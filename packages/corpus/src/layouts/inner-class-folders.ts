import { NO_GROUPS } from '@cryfold/core';
import { segmentWarning } from '../groups/segments.js';
import type { Layout } from './layout.js';
import { foldersOf, isNumbered, misnamed, ownFolders } from './paths.js';

/** Classes in folders of folders, such as `cry/pain` and `other/noise`: the last folder is the class. */
export const innerClassFolders: Layout = {
  name: 'inner-folders',
  meaning: 'the last folder is the class; groups are unknown',
  fits: (tree) => {
    const own = ownFolders(tree);
    const last = new Set(own.map((folders) => folders.at(-1)));
    const deep = own.length > 0 && own.every(({ length }) => length > 1);
    return deep && last.size > 1 && ![...last].every((name) => isNumbered(name ?? '')) ? 'possible' : 'no';
  },
  read: ({ files }) => {
    const segments = segmentWarning(files);
    return {
      groupSource: NO_GROUPS,
      recordings: files.map((file) => {
        const label = foldersOf(file).at(-1);
        return label === undefined ? misnamed(file, 'is not in a class folder') : { file, label, group: file };
      }),
      groupHints: segments ? [segments] : [],
    };
  },
};
