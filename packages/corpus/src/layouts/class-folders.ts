import { NO_GROUPS } from '@cryfold/core';
import { segmentWarning } from '../groups/segments.js';
import type { Layout } from './layout.js';
import { foldersOf, isNumbered, misnamed, ownFolders, sharedFolders } from './paths.js';

/** One folder per class. Subfolders of a class folder do not affect the class. */
export const classFolders: Layout = {
  name: 'folders',
  meaning: 'the first folder is the class; groups are unknown',
  fits: ({ files }) => (files.some((file) => file.includes('/')) ? 'possible' : 'no'),
  read: (tree) => {
    const { files } = tree;
    // A folder that contains all other folders is not a class, unless some of the files are directly in it.
    const shared = sharedFolders(tree);
    const at = ownFolders(tree).every((folders) => folders.length > 0) ? shared : 0;
    const recordings = files.map((file) => {
      const label = foldersOf(file)[at];
      return label === undefined ? misnamed(file, 'is not in a class folder') : { file, label, group: file };
    });
    const inner = new Set(ownFolders(tree).flatMap((folders) => folders[1] ?? []));
    const numbered = inner.size > 1 && [...inner].every(isNumbered);
    const segments = segmentWarning(files);
    return {
      groupSource: NO_GROUPS,
      recordings,
      groupHints: [
        ...(numbered
          ? [
              `folders below the classes (${[...inner].slice(0, 3).join(', ')}...) look like groups: if they are, pass --group-by folder`,
            ]
          : []),
        ...(segments ? [segments] : []),
      ],
    };
  },
};
