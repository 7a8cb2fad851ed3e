import type { Layout } from './layout.js';
import { baseName, foldersOf, misnamed, mostNamed } from './paths.js';

/** Reason tags of the donateacry corpus. Its cleaned edition counts cold/hot (`ch`) as discomfort. */
const REASONS: Readonly<Record<string, string>> = {
  hu: 'hungry',
  bu: 'burping',
  bp: 'belly_pain',
  dc: 'discomfort',
  ch: 'discomfort',
  ti: 'tired',
  lo: 'lonely',
  sc: 'scared',
  dk: 'unknown',
};

/**
 * parts of a file name: app instance, Unix time (seconds on iOS, milliseconds on Android), app version, gender, age,
 * reason
 */
const NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d{10,13}-[\d.]+-[mf]-\d\d-([a-z]{2})\.[^.]+$/i;

/**
 * donateacry: the group is the app instance; the label is the first folder, or the reason tag if there are no folders.
 * (The folders include later corrections to the corpus: for example, seven `ch` files are in the discomfort folder.)
 */
export const donateacry: Layout = {
  name: 'donateacry',
  meaning: 'file names of the donateacry app contain the app instance; the class is the folder or the reason tag',
  fits: (tree) => (mostNamed(tree, NAME) ? 'sure' : 'no'),
  read: ({ files }) => ({
    groupSource: { kind: 'file-name', name: 'app instance' },
    recordings: files.map((file) => {
      const [, instance, tag] = NAME.exec(baseName(file)) ?? [];
      if (!instance) return misnamed(file, 'is not named like the other donateacry files');
      const reason = tag.toLowerCase();
      const known = Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
      const label = foldersOf(file)[0] ?? known;
      if (label) return { file, label, group: instance };
      return misnamed(file, `reason tag ${tag} is not one of ${Object.keys(REASONS).join(', ')}`);
    }),
  }),
};
