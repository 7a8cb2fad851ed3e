import { stratifiedGroupKFold, stratifiedKFold } from '@cryfold/evaluation';

/** LIBSVM's number of inner folds for Platt scaling. */
const INNER_FOLDS = 5;

/** How the probabilities of one fold are calibrated. */
export interface InnerFolds {
  /** The inner fold of each training row; undefined where there is nothing to calibrate on */
  folds: Int32Array | undefined;
  /** What was done otherwise than asked, for readers of the results */
  note?: string;
}

/**
 * Inner folds of the training rows, stratified as LIBSVM's are; a class with too few clips is absent from some. Where
 * the training rows cannot be split as asked, the nearest split that can be made: without groups where all rows are of
 * one, and none where no class has a second clip to hold out.
 * @param groups of all clips, where groups must be kept whole: Platt's sigmoid is then fitted on groups that the inner
 * machine has not heard, as in the outer folds
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
  const note = groupCount === 1 ? ONE_GROUP : grouped && hasLoneClass(own, grouped) ? LONE_CLASS : undefined;
  return { folds, ...(note === undefined ? {} : { note }) };
}

const ONE_GROUP = 'the probabilities are calibrated without regard to groups, since all training clips are of one';

/** Then the inner machines that predict the class's clips have never heard it; only fold keys forbid another split. */
const LONE_CLASS =
  'the probabilities are unreliable, since all training clips of a class are of one group: predictions by decision value are not affected';

/** Whether some class has all of its clips in one group. */
function hasLoneClass(labels: Int32Array, groups: readonly string[]): boolean {
  const groupsOf = new Map<number, Set<string>>();
  for (const [row, label] of labels.entries()) {
    groupsOf.set(label, (groupsOf.get(label) ?? new Set()).add(groups[row]));
  }
  return [...groupsOf.values()].some((own) => own.size === 1);
}
