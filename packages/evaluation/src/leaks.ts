import type { Split } from './split.js';

/** The groups with clips on both sides of a split, in order of first test clip. */
export function groupsSpanning(split: Split, groups: ArrayLike<string>): string[] {
  const inTrain = new Set<string>();
  for (const i of split.train) inTrain.add(groups[i]);
  const spanning = new Set<string>();
  for (const i of split.test) if (inTrain.has(groups[i])) spanning.add(groups[i]);
  return [...spanning];
}

/** How a protocol must be called wherever its figures are shown; "infant" is what cryfold's data calls a group. */
export function protocolLabel(groupsSpanning: number, groups: number, clips: number): string {
  if (groupsSpanning > 0) return 'random folds: the same infant is in train and test';
  return groups < clips
    ? 'grouped folds: no infant is in train and test'
    : 'random folds: no two clips share an infant';
}
