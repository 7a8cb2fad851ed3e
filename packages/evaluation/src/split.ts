import { CryfoldError } from '@cryfold/core';

/** The training and test clips of one (repeat, fold), as indices from 0. */
export interface Split {
  repeat: number;
  fold: number;
  /**
   * Ascending for the k-fold splitters; for `trainTestSplit` and `shuffleSplit`, in the order in which they were drawn,
   * as in scikit-learn.
   */
  train: Int32Array;
  test: Int32Array;
}

export function splitImpossible(message: string, hint: string, context: Record<string, number> = {}): CryfoldError {
  return new CryfoldError('SPLIT_IMPOSSIBLE', message, { context, hint });
}

/** Checks the precondition of every k-fold splitter, 2 <= splits <= n. */
export function checkFolds(n: number, splits: number): void {
  if (!Number.isInteger(splits) || splits < 2) {
    throw splitImpossible(`cannot make ${splits} folds: at least 2 are needed`, 'Use at least 2 folds.', { splits });
  }
  if (splits > n) {
    throw splitImpossible(`cannot make ${splits} folds from ${n} clips`, 'Use fewer folds or add clips.', {
      splits,
      clips: n,
    });
  }
}

/** Converts the fold of each clip into splits with ascending train and test indices. */
export function splitsFromFolds(foldOf: ArrayLike<number>, splits: number, repeat: number): Split[] {
  const n = foldOf.length;
  const sizes = new Int32Array(splits);
  for (let i = 0; i < n; i++) sizes[foldOf[i]]++;
  return Array.from({ length: splits }, (_, fold) => {
    const train = new Int32Array(n - sizes[fold]);
    const test = new Int32Array(sizes[fold]);
    for (let i = 0, a = 0, b = 0; i < n; i++) {
      if (foldOf[i] === fold) test[b++] = i;
      else train[a++] = i;
    }
    return { repeat, fold, train, test };
  });
}
