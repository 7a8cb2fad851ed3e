import { RandomState } from './random-state.js';
import { type Split, splitImpossible } from './split.js';

export interface ShuffleSplitOptions {
  /** A share in (0, 1) of the clips (rounded up), or a number of clips (an integer of at least 1). */
  testSize: number;
  seed?: number;
  /** Class index of each clip. If given, every class keeps its share on both sides. */
  stratify?: ArrayLike<number>;
}

function testCount(n: number, testSize: number): number {
  const count = testSize < 1 ? Math.ceil(testSize * n) : testSize;
  if (!(testSize > 0) || !Number.isInteger(count) || count >= n) {
    throw splitImpossible(
      `cannot take a test set of ${testSize} from ${n} clips`,
      'Use a share between 0 and 1, or a whole number smaller than the number of clips, so that clips are left to train on.',
      { testSize, clips: n },
    );
  }
  return count;
}

/**
 * Returns the number of clips, out of `draws`, to take from each class: the mode of the multivariate hypergeometric
 * distribution, rounded down, then topped up by largest remainder with ties broken at random (scikit-learn's
 * `_approximate_mode`).
 */
function proportionalCounts(counts: Int32Array, draws: number, random: RandomState): Int32Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = Array.from(counts, (count) => (count / total) * draws);
  const taken = Int32Array.from(shares, Math.floor);
  const remainders = shares.map((share, i) => share - taken[i]);
  let missing = draws - taken.reduce((sum, count) => sum + count, 0);
  for (const value of [...new Set(remainders)].sort((a, b) => b - a)) {
    if (missing === 0) break;
    const tied = remainders.flatMap((remainder, i) => (remainder === value ? [i] : []));
    const order = random.permutation(tied.length);
    for (let i = 0; i < tied.length && missing > 0; i++, missing--) taken[tied[order[i]]]++;
  }
  return taken;
}

/**
 * Draws the training and test clips of one split in which every class keeps its share; `nTest` of the `n` clips are for
 * testing.
 */
function stratifiedOnce(labels: ArrayLike<number>, n: number, nTest: number, random: RandomState) {
  const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  const members = classes.map((label) =>
    Int32Array.from({ length: n }, (_, i) => i).filter((i) => labels[i] === label),
  );
  const counts = Int32Array.from(members, (of) => of.length);
  const smallest = Math.min(...counts);
  if (smallest < 2) {
    throw splitImpossible('cannot stratify: a class has only one clip', 'Add clips to the class or remove it.');
  }
  if (Math.min(nTest, n - nTest) < classes.length) {
    throw splitImpossible(
      `cannot stratify ${classes.length} classes into ${n - nTest} training and ${nTest} test clips`,
      'Both the training set and the test set need at least one clip per class.',
      { classes: classes.length, train: n - nTest, test: nTest },
    );
  }
  const trainCounts = proportionalCounts(counts, n - nTest, random);
  const testCounts = proportionalCounts(
    counts.map((count, i) => count - trainCounts[i]),
    nTest,
    random,
  );
  const train: number[] = [];
  const test: number[] = [];
  members.forEach((of, i) => {
    const order = random.permutation(of.length);
    for (let k = 0; k < trainCounts[i]; k++) train.push(of[order[k]]);
    for (let k = trainCounts[i]; k < trainCounts[i] + testCounts[i]; k++) test.push(of[order[k]]);
  });
  random.shuffle(train);
  random.shuffle(test);
  return { train: Int32Array.from(train), test: Int32Array.from(test) };
}

/**
 * Creates the same splits as scikit-learn 1.9's `ShuffleSplit` or, with `stratify`, `StratifiedShuffleSplit`
 * (n_splits=repeats, test_size=testSize, random_state=seed). Indices are in the order in which they were drawn.
 * @param n number of clips
 * @returns one split per repeat, each with fold 0
 * @throws CryfoldError SPLIT_IMPOSSIBLE if a side is empty, or a class is too small to stratify
 */
export function shuffleSplit(
  n: number,
  { testSize, seed = 0, stratify, repeats }: ShuffleSplitOptions & { repeats: number },
): Split[] {
  const nTest = testCount(n, testSize);
  const random = new RandomState(seed);
  return Array.from({ length: repeats }, (_, repeat) => {
    if (stratify) return { repeat, fold: 0, ...stratifiedOnce(stratify, n, nTest, random) };
    const order = random.permutation(n);
    return { repeat, fold: 0, train: order.slice(nTest), test: order.slice(0, nTest) };
  });
}

/**
 * Returns the indices of scikit-learn 1.9's `train_test_split(..., test_size=testSize, random_state=seed,
 * stratify=stratify)`.
 * @throws CryfoldError SPLIT_IMPOSSIBLE
 */
export function trainTestSplit(n: number, options: ShuffleSplitOptions): Split {
  return shuffleSplit(n, { ...options, repeats: 1 })[0];
}
