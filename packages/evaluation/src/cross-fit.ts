import type { FoldProbabilities, InnerSplit } from './evaluation-input.js';
import type { FusionTraining } from './fusion.js';
import type { Split } from './split.js';

/** Predictions of a fusion's members for the test clips of each split. */
export interface MemberPredictions {
  splits: readonly Split[];
  members: readonly FoldProbabilities[];
  /** Class index of each clip of the corpus */
  labels: ArrayLike<number>;
  /** Number of classes */
  classes: number;
}

/**
 * Training data of a fitted fusion in one outer fold: the out-of-fold predictions of that fold's training clips, each
 * from the fold that tested it in the same repeat. They do not include any test clip of the outer fold, so the weights
 * never see the labels of its test clips directly. However, the models that made these predictions were trained on the
 * other folds, including test clips of the outer fold. `nestedRows` avoids that.
 * @param index index of the outer fold in `splits`
 * @returns null if a training clip lacks a prediction of some member
 */
export function crossFitRows(predictions: MemberPredictions, index: number): FusionTraining | null {
  const { splits } = predictions;
  const { repeat, train } = splits[index];
  const others = splits.map((split, s) => (split.repeat === repeat && s !== index ? split : null));
  return collect(predictions, others, train);
}

/**
 * Training data of a nested fusion in one outer fold: predictions of that fold's training clips by members that were
 * trained inside it, on other training clips of the fold. These models have never seen a test clip of the fold.
 * @param inner inner folds of all outer folds; each split says which outer fold it belongs to
 * @param index index of the outer fold
 * @param train training clips of that fold
 * @returns null if a training clip lacks a prediction of some member
 */
export function nestedRows(
  inner: Omit<MemberPredictions, 'splits'> & { splits: readonly InnerSplit[] },
  index: number,
  train: Int32Array,
): FusionTraining | null {
  const inside = inner.splits.map((split) => (split.outer === index ? split : null));
  return collect(inner, inside, train);
}

/**
 * Training data of a fitted fusion after the evaluation: the out-of-fold predictions of all clips of one repeat, which
 * are the rows that `crossFitRows` would return, plus the rows of the outer fold's test clips.
 * @returns null if a clip lacks a prediction of some member
 */
export function outOfFoldRows(predictions: MemberPredictions, repeat: number): FusionTraining | null {
  const { splits, labels } = predictions;
  const own = splits.map((split) => (split.repeat === repeat ? split : null));
  return collect(
    predictions,
    own,
    Int32Array.from(labels, (_, clip) => clip),
  );
}

/**
 * Collects the members' predictions for some clips, each from the split that tests the clip.
 * @param from indices of the splits to take predictions from; null for splits to skip
 */
function collect(
  { members, labels, classes }: MemberPredictions,
  from: readonly (Split | null)[],
  clips: Int32Array,
): FusionTraining | null {
  const rowOf = new Map<number, { split: number; row: number }>();
  for (const [split, other] of from.entries()) {
    for (const [row, clip] of (other?.test ?? []).entries()) rowOf.set(clip, { split, row });
  }
  const matrices = members.map(() => new Float64Array(clips.length * classes));
  for (const [i, clip] of clips.entries()) {
    const at = rowOf.get(clip);
    if (!at) return null;
    for (const [m, member] of members.entries()) {
      const matrix = member[at.split];
      if (!matrix) return null;
      matrices[m].set(matrix.subarray(at.row * classes, (at.row + 1) * classes), i * classes);
    }
  }
  return { members: matrices, labels: Array.from(clips, (clip) => labels[clip]) };
}
