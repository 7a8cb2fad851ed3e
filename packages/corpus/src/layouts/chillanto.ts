import type { Layout } from './layout.js';
import { baseName, misnamed, mostNamed } from './paths.js';

/**
 * Class codes in Baby Chillanto's file names. A name `IIIISSSCCC.wav` consists of the codes of infant, segment and
 * class.
 */
export const CHILLANTO_CLASSES: Readonly<Record<string, string>> = {
  '000': 'normal',
  '001': 'hunger',
  '002': 'pain',
  '010': 'deaf',
  '030': 'asphyxia',
};

const NAME = /^(\d{4})\d{3}(\d{3})\.[^.]+$/i;

/** Baby Chillanto: the label is the class code, and the group is the infant. Folders are ignored. */
export const chillanto: Layout = {
  name: 'chillanto',
  meaning: 'file names IIIISSSCCC contain infant and class',
  fits: (tree) => (mostNamed(tree, NAME) ? 'sure' : 'no'),
  read: ({ files }) => ({
    groupSource: { kind: 'file-name', name: 'infant' },
    recordings: files.map((file) => {
      const [, infant, code] = NAME.exec(baseName(file)) ?? [];
      if (!infant) return misnamed(file, 'is not named IIIISSSCCC.wav like the other files');
      const label = Object.hasOwn(CHILLANTO_CLASSES, code) ? CHILLANTO_CLASSES[code] : undefined;
      if (label) return { file, label, group: infant };
      return misnamed(file, `class code ${code} is not one of ${Object.keys(CHILLANTO_CLASSES).join(', ')}`);
    }),
  }),
};
