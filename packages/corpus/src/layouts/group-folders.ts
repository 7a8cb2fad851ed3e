import type { Layout } from './layout.js';
import { foldersOf, isNumbered, misnamed, ownFolders, sharedFolders } from './paths.js';

/**
 * One folder per group, such as a speaker or a session, with one folder per class in it: `speaker0/angry`,
 * `speaker1/angry`.
 */
export const groupFolders: Layout = {
  name: 'group-folders',
  meaning: 'the first folder is the group, and the next one is the class',
  fits: (tree) => {
    const own = ownFolders(tree);
    if (own.length === 0 || own.some(({ length }) => length < 2)) return 'no';
    const groups = new Set(own.map(([group]) => group));
    const pairs = new Set(own.map(([group, label]) => `${group}/${label}`));
    const labels = new Set(own.map(([, label]) => label));
    const likely = [...groups].every(isNumbered) && ![...labels].every(isNumbered);
    // Some class must occur in several groups; otherwise, the first folder might be the class.
    if (!likely || labels.size < 2 || pairs.size === labels.size) return 'no';
    return groups.size > labels.size ? 'sure' : 'possible';
  },
  read: (tree) => {
    const shared = sharedFolders(tree);
    return {
      groupSource: { kind: 'folder' },
      recordings: tree.files.map((file) => {
        const [group, label] = foldersOf(file).slice(shared);
        return label === undefined ? misnamed(file, 'is not in a class folder of a group') : { file, label, group };
      }),
    };
  },
};
