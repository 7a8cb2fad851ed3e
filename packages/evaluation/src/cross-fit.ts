import type { FoldProbabilities } from './evaluate.js';
import type { FusionTraining } from './fusion.js';
import type { Split } from './split.js';

/**
 * What a fitted fusion learns from in one outer fold: the out-of-fold predictions of that fold's training clips, each
 * made where it was tested in the same repeat. No test clip of the fold is among them, so the weights never see its
 * labels directly; but the models that made these predictions were trained on 4 of 5 folds, this fold's test clips
 * included. A fully nested estimate needs inner folds trained inside the outer one; hand those to `fuse` instead.
 * @param index of the outer fold in `splits`
 * @returns null where a training clip has no prediction of every member
 */
export function crossFitRows(
  splits: readonly Split[],
  members: readonly FoldProbabilities[],
  labels: ArrayLike<number>,
  classes: number,
  index: number,
): FusionTraining | null {
  const { repeat, train } = splits[index];
  const rowOf = new Map<number, { split: number; row: number }>();
  for (const [split, other] of splits.entries()) {
    if (other.repeat !== repeat || split === index) continue;
    for (const [row, clip] of other.test.entries()) rowOf.set(clip, { split, row });
  }
  const matrices = members.map(() => new Float64Array(train.length * classes));
  for (const [i, clip] of train.entries()) {
    const at = rowOf.get(clip);
    if (!at) return null;
    for (const [m, member] of members.entries()) {
      const matrix = member[at.split];
      if (!matrix) return null;
      matrices[m].set(matrix.subarray(at.row * classes, (at.row + 1) * classes), i * classes);
    }
  }
  return { members: matrices, labels: Array.from(train, (clip) => labels[clip]) };
}
