import { stratifiedGroupKFold, stratifiedKFold } from '@cryfold/evaluation';

/** LIBSVM's number of inner folds for Platt scaling. */
const INNER_FOLDS = 5;

/**
 * The inner fold of each training row, stratified as LIBSVM's are; a class with too few clips is absent from some.
 * @param groups of all clips, where groups must be kept whole: Platt's sigmoid is then fitted on groups that the inner
 * machine has not heard, as in the outer folds
 */
export function innerFolds(
  labels: Int32Array,
  train: Int32Array,
  seed: number,
  groups?: readonly string[],
): Int32Array {
  const own = Int32Array.from(train, (row) => labels[row]);
  const ownGroups = groups && Array.from(train, (row) => groups[row]);
  const assigned = new Int32Array(train.length);
  const sizes = new Map<number, number>();
  for (const label of own) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const most = Math.max(2, Math.max(...sizes.values()));
  const splits = Math.min(INNER_FOLDS, most, ownGroups ? new Set(ownGroups).size : most);
  const options = { splits, shuffle: true, seed };
  const folds = ownGroups ? stratifiedGroupKFold(own, ownGroups, options) : stratifiedKFold(own, options);
  for (const { fold, test } of folds) for (const row of test) assigned[row] = fold;
  return assigned;
}
