import { basename, dirname, join } from 'node:path';
import { rowsBy } from '../table.js';
import { isFile } from './is-file.js';
import type { Layout, Reading, Tree } from './layout.js';
import { baseName, misnamed, mostNamed, ownFolders } from './paths.js';

/** `FOLD-CLIP_ID-TAKE-TARGET.wav`; takes with the same clip id are cut from the same recording. */
const NAME = /^(\d)-(\d+)-([A-Z])-(\d{1,2})\.[^.]+$/;

/** Finds the table next to the `audio` folder. The user may have specified either the corpus or its `audio` folder. */
export async function tableOf({ root }: Tree, folder: string, name: string): Promise<string | undefined> {
  const places = [join(root, folder, name)];
  if (basename(root) === 'audio') places.push(join(dirname(root), folder, name));
  for (const place of places) if (await isFile(place)) return place;
  return undefined;
}

/**
 * ESC-50: fold and source come from the file name. The class comes from `meta/esc50.csv` (columns filename, fold,
 * target, category, src_file). If that table is missing, the class is the folder or, without folders, the class number.
 */
export const esc50: Layout = {
  name: 'esc50',
  meaning: 'ESC-50: file names FOLD-CLIP-TAKE-TARGET.wav and meta/esc50.csv',
  fits: (tree) => (mostNamed(tree, NAME) ? 'sure' : 'no'),
  read: async (tree): Promise<Reading> => {
    const path = await tableOf(tree, 'meta', 'esc50.csv');
    const rows = path === undefined ? undefined : await rowsBy(path, 'filename');
    const folders = ownFolders(tree);
    const numbered = !rows && folders.some(({ length }) => length === 0);
    return {
      groupSource: rows ? { kind: 'column', name: 'src_file' } : { kind: 'file-name', name: 'source recording' },
      recordings: tree.files.map((file, i) => {
        const [, fold, source, , target] = NAME.exec(baseName(file)) ?? [];
        if (!rows) {
          return target === undefined
            ? misnamed(file, 'is not named like the other files of ESC-50')
            : { file, label: folders[i][0] ?? target, group: source, fold };
        }
        const { category, src_file: group, fold: own } = rows.get(baseName(file)) ?? {};
        if (category && group && own) return { file, label: category, group, fold: own };
        return misnamed(file, 'has no row with category, src_file and fold in meta/esc50.csv');
      }),
      warnings: numbered ? ['meta/esc50.csv is missing, so classes have numbers instead of names'] : [],
    };
  },
};
