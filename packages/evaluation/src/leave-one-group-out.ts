import { encodeGroups, type Groups } from './group-k-fold.js';
import { type Split, splitImpossible, splitsFromFolds } from './split.js';

/**
 * Creates the same splits as scikit-learn 1.9's `LeaveOneGroupOut()`: each fold tests the clips of one group, and the
 * groups are in sorted order.
 * @param groups the group of each clip
 * @throws CryfoldError SPLIT_IMPOSSIBLE if there are fewer than two groups
 */
export function leaveOneGroupOut(groups: Groups): Split[] {
  const { codes, sizes } = encodeGroups(groups);
  if (sizes.length < 2) {
    throw splitImpossible(
      `cannot leave out one group, because there is only ${sizes.length}`,
      'Assign the clips to at least two groups, or use a splitter without groups.',
      { groups: sizes.length },
    );
  }
  return splitsFromFolds(codes, sizes.length, 0);
}
