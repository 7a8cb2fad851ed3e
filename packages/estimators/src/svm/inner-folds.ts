import { stratifiedGroupKFold, stratifiedKFold } from '@cryfold/evaluation';

/** LIBSVM's number of inner folds for Platt scaling. */
const INNER_FOLDS = 5;

/** How the probabilities of one fold are calibrated. */
export interface InnerFolds {
  /** The inner fold of each training row; undefined if the rows cannot be split for calibration */
  folds: Int32Array | undefined;
  /** A note for readers of the results about how the inner folds deviate from the request */
  note?: string;
}

/**
 * Returns inner folds of the training rows, stratified like LIBSVM's. Some may lack a class that has only a few clips.
 * If the training rows cannot be split as requested, the closest possible split is used: one without groups if all rows
 * have the same group, and no split if no class has a second clip to hold out.
 * @param groups the group of each clip, if groups must be kept together. Platt's sigmoid is then fitted on groups that
 * the inner machine has not seen, as in the outer folds
 */
export function innerFolds(
  labels: Int32Array,
  train: Int32Array,
  seed: number,
  groups?: readonly string[],
): InnerFolds {
  const own = Int32Array.from(train, (row) => labels[row]);
  const sizes = new Map<number, number>();
  for (const label of own) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const largest = Math.max(...sizes.values());
  if (largest < 2) {
    const note = 'the probabilities are not calibrated, since no class has more than one training clip';
    return { folds: undefined, note };
  }
  const ownGroups = groups && Array.from(train, (row) => groups[row]);
  const groupCount = ownGroups && new Set(ownGroups).size;
  const grouped = groupCount !== 1 && ownGroups;
  const splits = Math.min(INNER_FOLDS, largest, (grouped && groupCount) || largest);
  const options = { splits, shuffle: true, seed };
  const folds = new Int32Array(train.length);
  const made = grouped ? stratifiedGroupKFold(own, grouped, options) : stratifiedKFold(own, options);
  for (const { fold, test } of made) for (const row of test) folds[row] = fold;
  const notes = [groupCount === 1 ? ONE_GROUP : [], unheard(own, folds, grouped || undefined) ?? []].flat();
  return { folds, ...(notes.length === 0 ? {} : { note: notes.join('; ') }) };
}

const ONE_GROUP = 'the probabilities are calibrated without regard to groups, since all training clips are of one';

/**
 * Returns a note if the inner machines that predict the clips of some class have never seen that class, for example
 * because all of its clips are in the same inner fold. The split must stay as it is, since results with the same fold
 * key must be equal.
 */
function unheard(labels: Int32Array, folds: Int32Array, groups: readonly string[] | undefined): string | undefined {
  const rows = new Map<number, number[]>();
  for (const [row, label] of labels.entries()) {
    const own = rows.get(label);
    if (own) own.push(row);
    else rows.set(label, [row]);
  }
  const alone = [...rows.values()].filter((own) => new Set(own.map((row) => folds[row])).size === 1);
  if (alone.length === 0) return undefined;
  const why = alone.some((own) => own.length === 1)
    ? 'a class has a single training clip'
    : alone.some((own) => new Set(own.map((row) => groups?.[row])).size === 1)
      ? 'all training clips of a class are of one group'
      : 'all training clips of a class are in one inner fold';
  return `the probabilities are unreliable, since ${why}: predictions by decision value are not affected`;
}
