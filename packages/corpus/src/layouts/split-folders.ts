import { NO_GROUPS } from '@cryfold/core';
import { segmentWarning } from '../groups/segments.js';
import type { Layout, Reading, Tree } from './layout.js';
import { foldersOf, misnamed } from './paths.js';

/** Names of folders that contain the parts of a split. */
const PARTS: Readonly<Record<string, 'train' | 'validation' | 'test'>> = {
  ...{ train: 'train', training: 'train' },
  ...{ val: 'validation', valid: 'validation', validation: 'validation', dev: 'validation' },
  ...{ test: 'test', testing: 'test', eval: 'test', evaluation: 'test' },
};

const FOLD = /^fold[ _-]?(\d{1,6})$/i;

type PartOf = (folder: string) => string | undefined;
const split: PartOf = (folder) =>
  Object.hasOwn(PARTS, folder.toLowerCase()) ? PARTS[folder.toLowerCase()] : undefined;
const fold: PartOf = (folder) => FOLD.exec(folder)?.[1];

/**
 * Returns the parts that occur in the paths of the files, at any depth. Returns an empty set unless more than half of
 * the files belong to a part.
 */
function partsOf({ files }: Pick<Tree, 'files'>, partOf: PartOf): Set<string> {
  const parts = files.flatMap((file) =>
    foldersOf(file)
      .flatMap((folder) => partOf(folder) ?? [])
      .slice(0, 1),
  );
  return new Set(parts.length * 2 > files.length ? parts : []);
}

/** Returns the names of the folders that form the split. */
function partFolders({ files }: Tree, partOf: PartOf): Set<string> {
  return new Set(files.flatMap((file) => foldersOf(file).filter((folder) => partOf(folder) !== undefined)));
}

/**
 * Reads the split. The class is the first folder that is neither a part of the split nor a parent of all other folders.
 */
function read(tree: Tree, partOf: PartOf, foldOf: (part: string) => string): Reading {
  const { files } = tree;
  const rest = files.map((file) => foldersOf(file).filter((folder) => partOf(folder) === undefined));
  // A folder that contains all others, such as `audio`, is not a class.
  let shared = 0;
  while (rest.every((own) => own.length > shared + 1 && own[shared] === rest[0][shared])) shared++;
  const segments = segmentWarning(files);
  return {
    groupSource: NO_GROUPS,
    apart: partFolders(tree, partOf),
    recordings: files.map((file, i) => {
      const part = foldersOf(file).flatMap((folder) => partOf(folder) ?? [])[0];
      if (part === undefined) return misnamed(file, 'is not in a folder of the split');
      const label = rest[i][shared];
      if (label === undefined) return misnamed(file, 'is not in a class folder');
      return { file, label, group: file, fold: foldOf(part) };
    }),
    groupHints: segments ? [segments] : [],
  };
}

/**
 * If folders form a split, returns the fold in which each file is tested (empty for training files); otherwise
 * undefined.
 */
export function splitFolds(tree: Tree): { folds: Map<string, string>; apart: Set<string> } | undefined {
  const parts = partsOf(tree, split);
  if (parts.size < 2) return undefined;
  const tested = parts.has('test') ? 'test' : 'validation';
  const foldOf = (file: string) => foldersOf(file).some((folder) => split(folder) === tested);
  const folds = new Map(tree.files.map((file) => [file, foldOf(file) ? tested : '']));
  return { folds, apart: partFolders(tree, split) };
}

/** `train/hungry`, `test/hungry`, or `hungry/train`: a single split, made by the authors of the data. */
export const splitFolders: Layout = {
  name: 'split-folders',
  meaning: 'folders train, validation and test are a split, and all others are classes; groups are unknown',
  fits: (tree) => (partsOf(tree, split).size > 1 ? 'sure' : 'no'),
  read: (tree) => {
    const tested = partsOf(tree, split).has('test') ? 'test' : 'validation';
    const reading = read(tree, split, (part) => (part === tested ? tested : ''));
    const validation = tested === 'test' && partsOf(tree, split).has('validation');
    const merged = '--protocol predefined uses validation clips as training clips, because nothing is tuned on them';
    return { ...reading, warnings: validation ? [merged] : [] };
  },
};

/** `fold1/hungry`, `fold2/hungry`: folds made by the authors of the data. */
export const foldFolders: Layout = {
  name: 'fold-folders',
  meaning: 'folders fold1, fold2... are folds, and all others are classes; groups are unknown',
  fits: (tree) => (partsOf(tree, fold).size > 1 ? 'sure' : 'no'),
  read: (tree) => read(tree, fold, (part) => `${Number(part)}`),
};
