import { deriveSeed } from '@cryfold/core';
import { RandomState } from './random-state.js';
import { checkFolds, type Split, splitImpossible, splitsFromFolds } from './split.js';

export interface FoldOptions {
  /** Number of folds, at least 2. */
  splits: number;
  /** If false (the default), clips keep their order and the seed is ignored. */
  shuffle?: boolean;
  /** Integer in [0, 2^32); default 0. */
  seed?: number;
}

export interface RepeatOptions {
  splits: number;
  repeats: number;
  seed?: number;
  /**
   * If false (the default), one generator draws all repeats, as in scikit-learn, so repeat 7 can only be drawn after
   * repeats 0 to 6. If true, each repeat has its own seed, `repeatSeed(seed, repeat)`, so any repeat can be drawn on
   * its own.
   */
  seedPerRepeat?: boolean;
}

/** Returns the seed of one repeat, if each repeat has its own seed. */
export function repeatSeed(seed: number, repeat: number): number {
  return deriveSeed(seed, 'repeat', repeat);
}

function kFoldOnce(n: number, splits: number, random: RandomState | undefined, repeat: number): Split[] {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  random?.shuffle(order);
  const foldOf = new Int32Array(n);
  for (let fold = 0, start = 0; fold < splits; fold++) {
    const size = Math.floor(n / splits) + (fold < n % splits ? 1 : 0);
    for (let i = start; i < start + size; i++) foldOf[order[i]] = fold;
    start += size;
  }
  // scikit-learn selects the test clips with a mask, so they are in ascending order even if clips are shuffled
  return splitsFromFolds(foldOf, splits, repeat);
}

function stratifiedOnce(
  labels: ArrayLike<number>,
  splits: number,
  random: RandomState | undefined,
  repeat: number,
): Split[] {
  // Classes are numbered by first appearance. This order determines which folds get a class's remaining clips, and the
  // order in which classes use the generator.
  const rank = new Map<number, number>();
  const counts: number[] = [];
  const encoded = Int32Array.from({ length: labels.length }, (_, i) => {
    const known = rank.get(labels[i]);
    const code = known ?? rank.size;
    if (known === undefined) rank.set(labels[i], code);
    counts[code] = (counts[code] ?? 0) + 1;
    return code;
  });
  if (counts.every((count) => count < splits)) {
    throw splitImpossible(
      `cannot make ${splits} stratified folds: the largest class has ${Math.max(...counts)} clips`,
      'Use fewer folds or add clips.',
      { splits, largestClass: Math.max(...counts) },
    );
  }
  // Deals the clips, sorted by class, to the folds in turn: position p goes to fold p mod splits.
  const foldOf = new Int32Array(labels.length);
  for (let code = 0, position = 0; code < counts.length; code++) {
    const perFold = new Int32Array(splits);
    for (let i = 0; i < counts[code]; i++) perFold[position++ % splits]++;
    const folds = new Int32Array(counts[code]);
    for (let fold = 0, start = 0; fold < splits; start += perFold[fold++]) {
      folds.fill(fold, start, start + perFold[fold]);
    }
    random?.shuffle(folds);
    for (let i = 0, next = 0; i < encoded.length; i++) if (encoded[i] === code) foldOf[i] = folds[next++];
  }
  return splitsFromFolds(foldOf, splits, repeat);
}

function repeated(
  { repeats, seed = 0, seedPerRepeat = false }: RepeatOptions,
  once: (random: RandomState, repeat: number) => Split[],
): Split[] {
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw splitImpossible(`cannot repeat ${repeats} times`, 'Use at least 1 repeat.', { repeats });
  }
  const shared = new RandomState(seed);
  const all: Split[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    all.push(...once(seedPerRepeat ? new RandomState(repeatSeed(seed, repeat)) : shared, repeat));
  }
  return all;
}

/**
 * Creates the same splits as scikit-learn 1.9's `KFold(splits, shuffle=shuffle, random_state=seed)`.
 * @param n number of clips
 * @returns one split per fold, repeat 0
 * @throws CryfoldError SPLIT_IMPOSSIBLE unless 2 <= splits <= n
 */
export function kFold(n: number, { splits, shuffle = false, seed = 0 }: FoldOptions): Split[] {
  checkFolds(n, splits);
  return kFoldOnce(n, splits, shuffle ? new RandomState(seed) : undefined, 0);
}

/**
 * Creates the same splits as scikit-learn 1.9's `RepeatedKFold(n_splits=splits, n_repeats=repeats, random_state=seed)`:
 * shuffled, repeat by repeat.
 * @throws CryfoldError SPLIT_IMPOSSIBLE
 */
export function repeatedKFold(n: number, options: RepeatOptions): Split[] {
  checkFolds(n, options.splits);
  return repeated(options, (random, repeat) => kFoldOnce(n, options.splits, random, repeat));
}

/**
 * Creates the same splits as scikit-learn 1.9's `StratifiedKFold(splits, shuffle=shuffle, random_state=seed)`: each
 * class has about the same share in every fold. A class with fewer clips than folds is missing from some test sets
 * (scikit-learn warns about this, and `findLeaks` reports it).
 * @param labels class index of each clip
 * @throws CryfoldError SPLIT_IMPOSSIBLE unless 2 <= splits <= n, or if no class has `splits` clips
 */
export function stratifiedKFold(
  labels: ArrayLike<number>,
  { splits, shuffle = false, seed = 0 }: FoldOptions,
): Split[] {
  checkFolds(labels.length, splits);
  return stratifiedOnce(labels, splits, shuffle ? new RandomState(seed) : undefined, 0);
}

/**
 * scikit-learn 1.9's `RepeatedStratifiedKFold`.
 * @throws CryfoldError SPLIT_IMPOSSIBLE
 */
export function repeatedStratifiedKFold(labels: ArrayLike<number>, options: RepeatOptions): Split[] {
  checkFolds(labels.length, options.splits);
  return repeated(options, (random, repeat) => stratifiedOnce(labels, options.splits, random, repeat));
}
