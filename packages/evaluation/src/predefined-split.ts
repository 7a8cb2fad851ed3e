import { type Split, splitImpossible } from './split.js';

/** Fold names of clips that are never tested: scikit-learn's -1, or empty. */
const NEVER_TESTED = new Set(['', '-1']);

/** Returns the names of the folds in order: integers by value, everything else by code point. */
export function predefinedFolds(folds: readonly string[]): string[] {
  const names = [...new Set(folds)].filter((name) => !NEVER_TESTED.has(name));
  if (names.every((name) => /^\d{1,15}$/.test(name))) return names.sort((a, b) => Number(a) - Number(b));
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/**
 * Creates the same splits as scikit-learn 1.9's `PredefinedSplit(folds)`: the data assigns each clip to the fold in
 * which it is tested. A clip whose fold is empty or -1 is in every training set and never tested.
 * @param folds name of each clip's fold
 * @throws CryfoldError SPLIT_IMPOSSIBLE if all folds are empty
 */
export function predefinedSplit(folds: readonly string[]): Split[] {
  const names = predefinedFolds(folds);
  if (names.length === 0) {
    throw splitImpossible('no clip has a fold in which it is tested', 'Fill in the column `fold` of the manifest.');
  }
  const indices = Int32Array.from(folds, (_, i) => i);
  return names.map((name, fold) => ({
    ...{ repeat: 0, fold },
    train: indices.filter((i) => folds[i] !== name),
    test: indices.filter((i) => folds[i] === name),
  }));
}
