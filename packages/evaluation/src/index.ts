export { type Groups, groupKFold, stratifiedGroupKFold } from './group-k-fold.js';
export {
  type FoldOptions,
  kFold,
  type RepeatOptions,
  repeatedKFold,
  repeatedStratifiedKFold,
  repeatSeed,
  stratifiedKFold,
} from './k-fold.js';
export { RandomState } from './random-state.js';
export { type ShuffleSplitOptions, shuffleSplit, trainTestSplit } from './shuffle-split.js';
export type { Split } from './split.js';
