import { type FoldOptions, type RepeatOptions, repeatSeed } from './k-fold.js';
import { RandomState } from './random-state.js';
import { checkFolds, type Split, splitImpossible, splitsFromFolds } from './split.js';

export type Groups = ArrayLike<string> | ArrayLike<number>;

/** Numbers the groups from 0 in sorted order: integers by value, text by code point, as in numpy's `unique`. */
export function encodeGroups(groups: Groups): { codes: Int32Array; sizes: Int32Array } {
  const values: (string | number)[] = Array.from(groups as ArrayLike<string | number>);
  const unique = [...new Set(values)].sort((a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    // comparing UTF-8 bytes sorts by code point, whereas JavaScript compares UTF-16 units
    return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
  });
  const code = new Map(unique.map((value, i) => [value, i]));
  const sizes = new Int32Array(unique.length);
  const codes = Int32Array.from(values, (value) => code.get(value)!);
  for (const c of codes) sizes[c]++;
  return { codes, sizes };
}

function checkGroups(groups: number, splits: number): void {
  if (splits > groups) {
    throw splitImpossible(`cannot make ${splits} folds from ${groups} groups`, 'Use fewer folds or add groups.', {
      splits,
      groups,
    });
  }
}

/**
 * scikit-learn 1.9's `GroupKFold(splits, shuffle=shuffle, random_state=seed)`: no group is in both train and test.
 * Without shuffling, the largest groups are assigned first, each to the fold with the fewest clips. With shuffling, the
 * groups are put in random order and cut into runs of (nearly) equal length.
 * @param groups the group of each clip
 * @throws CryfoldError SPLIT_IMPOSSIBLE if there are fewer groups than folds
 */
export function groupKFold(groups: Groups, { splits, shuffle = false, seed = 0 }: FoldOptions): Split[] {
  checkFolds(groups.length, splits);
  const { codes, sizes } = encodeGroups(groups);
  checkGroups(sizes.length, splits);
  const foldOfGroup = new Int32Array(sizes.length);
  if (shuffle) {
    const order = new RandomState(seed).permutation(sizes.length);
    const short = Math.floor(sizes.length / splits);
    const longRuns = sizes.length % splits;
    const inLong = longRuns * (short + 1);
    order.forEach((group, i) => {
      foldOfGroup[group] = i < inLong ? Math.floor(i / (short + 1)) : longRuns + Math.floor((i - inLong) / short);
    });
  } else {
    // among groups of equal size the last comes first, because numpy reverses a stable ascending sort
    const order = Array.from(sizes.keys()).sort((a, b) => sizes[b] - sizes[a] || b - a);
    const load = new Int32Array(splits);
    for (const group of order) {
      const lightest = load.indexOf(Math.min(...load));
      load[lightest] += sizes[group];
      foldOfGroup[group] = lightest;
    }
  }
  return splitsFromFolds(
    codes.map((code) => foldOfGroup[code]),
    splits,
    0,
  );
}

/** Sums values pairwise like numpy, so that ties between folds are broken as in numpy. */
function pairwiseSum(values: ArrayLike<number>, start = 0, n = values.length): number {
  if (n < 8) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[start + i];
    return sum;
  }
  if (n > 128) {
    const half = (n >> 1) - ((n >> 1) % 8);
    return pairwiseSum(values, start, half) + pairwiseSum(values, start + half, n - half);
  }
  const r = Array.from({ length: 8 }, (_, k) => values[start + k]);
  const whole = n - (n % 8);
  for (let i = 8; i < whole; i++) r[i % 8] += values[start + i];
  let sum = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
  for (let i = whole; i < n; i++) sum += values[start + i];
  return sum;
}

/** Computes the population standard deviation along a row, summed pairwise like `numpy.std(axis=1)`. */
function rowDeviation(row: Float64Array): number {
  const mean = pairwiseSum(row) / row.length;
  return Math.sqrt(pairwiseSum(row.map((value) => (value - mean) * (value - mean))) / row.length);
}

/** Adds values sequentially, as numpy adds the rows of a matrix. */
function sumInOrder(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

/**
 * Computes the population standard deviation down a column, with the rounding of `numpy.std(axis=0)`.
 * @param alone whether the matrix has only this column, in which case numpy sums it pairwise like a row
 */
function columnDeviation(column: Float64Array, alone: boolean): number {
  const sum = alone ? pairwiseSum : sumInOrder;
  const mean = sum(column) / column.length;
  return Math.sqrt(sum(column.map((value) => (value - mean) * (value - mean))) / column.length);
}

/**
 * scikit-learn 1.9's `StratifiedGroupKFold(splits, shuffle=shuffle, random_state=seed)`: keeps groups whole and makes
 * class shares as even as a greedy algorithm can. Groups are assigned in order of decreasing spread of their class
 * counts, each to the fold for which the class shares vary least across the folds. Ties (by numpy's isclose) are broken
 * by fold size.
 * @param labels class index of each clip
 * @param groups the group of each clip
 * @throws CryfoldError SPLIT_IMPOSSIBLE if there are fewer groups than folds or no class has `splits` clips
 */
export function stratifiedGroupKFold(
  labels: ArrayLike<number>,
  groups: Groups,
  { splits, shuffle = false, seed = 0 }: FoldOptions,
): Split[] {
  checkFolds(labels.length, splits);
  const { codes, sizes } = encodeGroups(groups);
  const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  const classOf = new Map(classes.map((label, i) => [label, i]));
  const totals = new Float64Array(classes.length);
  const perGroup = Array.from(sizes, () => new Float64Array(classes.length));
  for (let i = 0; i < labels.length; i++) {
    const c = classOf.get(labels[i])!;
    totals[c]++;
    perGroup[codes[i]][c]++;
  }
  if (totals.every((total) => total < splits)) {
    throw splitImpossible(
      `cannot make ${splits} stratified folds: the largest class has ${Math.max(...totals)} clips`,
      'Use fewer folds or add clips.',
      { splits, largestClass: Math.max(...totals) },
    );
  }
  checkGroups(sizes.length, splits);

  const order = Array.from(sizes.keys());
  if (shuffle) new RandomState(seed).shuffle(order);
  const spread = perGroup.map(rowDeviation);
  order.sort((a, b) => spread[b] - spread[a]);

  // shares[c][fold]: the share of class c that is in the fold
  const held = Array.from({ length: splits }, () => new Float64Array(classes.length));
  const shares = classes.map(() => new Float64Array(splits));
  const deviations = new Float64Array(classes.length);
  const foldOfGroup = new Int32Array(sizes.length);
  for (const group of order) {
    const counts = perGroup[group];
    let best = 0;
    let leastSpread = Number.POSITIVE_INFINITY;
    let fewestClips = Number.POSITIVE_INFINITY;
    for (let fold = 0; fold < splits; fold++) {
      for (let c = 0; c < classes.length; c++) {
        const before = shares[c][fold];
        shares[c][fold] = (held[fold][c] + counts[c]) / totals[c];
        deviations[c] = columnDeviation(shares[c], classes.length === 1);
        shares[c][fold] = before;
      }
      const value = pairwiseSum(deviations) / classes.length;
      const clips = held[fold].reduce((sum, count) => sum + count, 0);
      const close = Math.abs(value - leastSpread) <= 1e-8 + 1e-5 * Math.abs(leastSpread);
      if (value < leastSpread || (close && clips < fewestClips)) {
        leastSpread = value;
        fewestClips = clips;
        best = fold;
      }
    }
    for (let c = 0; c < classes.length; c++) {
      held[best][c] += counts[c];
      shares[c][best] = held[best][c] / totals[c];
    }
    foldOfGroup[group] = best;
  }
  return splitsFromFolds(
    codes.map((code) => foldOfGroup[code]),
    splits,
    0,
  );
}

type GroupRepeatOptions = Omit<RepeatOptions, 'seedPerRepeat'>;

function repeated({ splits, repeats, seed = 0 }: GroupRepeatOptions, once: (options: FoldOptions) => Split[]): Split[] {
  return Array.from({ length: repeats }, (_, repeat) =>
    once({ splits, shuffle: true, seed: repeatSeed(seed, repeat) }).map((split) => ({ ...split, repeat })),
  ).flat();
}

/**
 * Like `groupKFold`, but shuffles differently in every repeat, each with its own seed (`repeatSeed`). scikit-learn has
 * no such splitter.
 * @throws CryfoldError SPLIT_IMPOSSIBLE
 */
export function repeatedGroupKFold(groups: Groups, options: GroupRepeatOptions): Split[] {
  return repeated(options, (one) => groupKFold(groups, one));
}

/**
 * Like `stratifiedGroupKFold`, but shuffles differently in every repeat, each with its own seed (`repeatSeed`).
 * @throws CryfoldError SPLIT_IMPOSSIBLE
 */
export function repeatedStratifiedGroupKFold(
  labels: ArrayLike<number>,
  groups: Groups,
  options: GroupRepeatOptions,
): Split[] {
  return repeated(options, (one) => stratifiedGroupKFold(labels, groups, one));
}
