import { rowsBy } from '../table.js';
import { tableOf } from './esc50.js';
import type { Layout, Reading } from './layout.js';
import { baseName, foldersOf, misnamed, mostNamed } from './paths.js';

/** `fsID-classID-occurrenceID-sliceID.wav`; slices with the same fsID are cut from the same Freesound recording. */
const NAME = /^(\d+)-(\d)-(\d+)-(\d+)\.[^.]+$/;
const FOLD = /^fold(\d{1,2})$/;

const CLASSES = [
  ...['air_conditioner', 'car_horn', 'children_playing', 'dog_bark', 'drilling'],
  ...['engine_idling', 'gun_shot', 'jackhammer', 'siren', 'street_music'],
];

/**
 * UrbanSound8K: class and source come from `metadata/UrbanSound8K.csv` (columns slice_file_name, fsID, fold, class) if
 * it exists, otherwise from the file name. The fold comes from the folder.
 */
export const urbansound8k: Layout = {
  name: 'urbansound8k',
  meaning: 'UrbanSound8K: fold folders, file names FSID-CLASS-OCCURRENCE-SLICE.wav and metadata/UrbanSound8K.csv',
  fits: (tree) => {
    const folded = tree.files.filter((file) => FOLD.test(foldersOf(file).at(-1) ?? '')).length;
    return mostNamed(tree, NAME) && folded * 2 > tree.files.length ? 'sure' : 'no';
  },
  read: async (tree): Promise<Reading> => {
    const path = await tableOf(tree, 'metadata', 'UrbanSound8K.csv');
    const rows = path === undefined ? undefined : await rowsBy(path, 'slice_file_name');
    return {
      groupSource: rows ? { kind: 'column', name: 'fsID' } : { kind: 'file-name', name: 'source recording' },
      recordings: tree.files.map((file) => {
        const [, source, code] = NAME.exec(baseName(file)) ?? [];
        const [, folder] = FOLD.exec(foldersOf(file).at(-1) ?? '') ?? [];
        if (!rows) {
          return source === undefined || folder === undefined
            ? misnamed(file, 'is not named or placed like the other files of UrbanSound8K')
            : { file, label: CLASSES[Number(code)], group: source, fold: folder };
        }
        const { class: label, fsID: group, fold } = rows.get(baseName(file)) ?? {};
        if (!label || !group || !fold) {
          return misnamed(file, 'has no row with class, fsID and fold in metadata/UrbanSound8K.csv');
        }
        if (folder === fold) return { file, label, group, fold };
        return misnamed(file, `is in ${foldersOf(file).at(-1) ?? 'no folder'}, but its table says fold ${fold}`);
      }),
    };
  },
};
