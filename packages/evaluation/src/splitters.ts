import { encodeGroups, repeatedGroupKFold, repeatedStratifiedGroupKFold } from './group-k-fold.js';
import { kFold, repeatedKFold, repeatedStratifiedKFold, stratifiedKFold } from './k-fold.js';
import { leaveOneGroupOut } from './leave-one-group-out.js';
import { predefinedFolds, predefinedSplit } from './predefined-split.js';
import { shuffleSplit } from './shuffle-split.js';
import { type Split, splitImpossible } from './split.js';

/** Input of a splitter. */
export interface SplitRequest {
  /** Class index of each clip */
  labels: Int32Array;
  /** Group of each clip */
  groups: readonly string[];
  /** Number of folds, at least 2 */
  folds: number;
  repeats: number;
  /** Integer in [0, 2^32) */
  seed: number;
  /** Share of the clips that a split tests, in (0, 1); default `DEFAULT_TEST_SIZE` */
  testSize?: number;
  /** Name of each clip's fold, if the data assigns clips to folds */
  predefined?: readonly string[];
}

/** The paper splits 80:20; scikit-learn's own default is 0.25. */
export const DEFAULT_TEST_SIZE = 0.2;

export interface SplitterKind {
  /** scikit-learn's name */
  readonly name: string;
  /** Whether the splitter keeps all clips of a group on the same side of a split */
  readonly grouped: boolean;
  /**
   * The parts of a request, other than labels and groups, that the splitter uses. All other parts are determined by the
   * data or by the splitter itself
   */
  readonly takes: readonly ('folds' | 'repeats' | 'testSize')[];
  /** Returns the number of folds in one repeat, without creating the folds */
  foldsOf(request: Pick<SplitRequest, 'folds' | 'groups' | 'predefined'>): number;
  /** @throws CryfoldError SPLIT_IMPOSSIBLE */
  split(request: SplitRequest): Split[];
}

const repeatedOf = ({ folds: splits, repeats, seed }: SplitRequest) => ({ splits, repeats, seed });
const onceOf = ({ folds: splits, seed }: SplitRequest) => ({ splits, shuffle: true, seed });
const shuffleOf = ({ testSize = DEFAULT_TEST_SIZE, repeats, seed }: SplitRequest) => ({ testSize, repeats, seed });

const kFolds = { foldsOf: ({ folds }: Pick<SplitRequest, 'folds'>) => folds };
const repeatedKind = { ...kFolds, takes: ['folds', 'repeats'] } as const;
const onceKind = { ...kFolds, takes: ['folds'] } as const;
const shuffleKind = { grouped: false, takes: ['repeats', 'testSize'], foldsOf: () => 1 } as const;

/**
 * Every splitter. Grouped splitters shuffle differently in each repeat. To add a splitter, write it and add it here.
 */
const KINDS = [
  {
    name: 'RepeatedKFold',
    grouped: false,
    ...repeatedKind,
    split: (request) => repeatedKFold(request.labels.length, repeatedOf(request)),
  },
  {
    name: 'RepeatedStratifiedKFold',
    grouped: false,
    ...repeatedKind,
    split: (request) => repeatedStratifiedKFold(request.labels, repeatedOf(request)),
  },
  {
    name: 'KFold',
    grouped: false,
    ...onceKind,
    split: (request) => kFold(request.labels.length, onceOf(request)),
  },
  {
    name: 'StratifiedKFold',
    grouped: false,
    ...onceKind,
    split: (request) => stratifiedKFold(request.labels, onceOf(request)),
  },
  {
    name: 'GroupKFold',
    grouped: true,
    ...repeatedKind,
    split: (request) => repeatedGroupKFold(request.groups, repeatedOf(request)),
  },
  {
    name: 'StratifiedGroupKFold',
    grouped: true,
    ...repeatedKind,
    split: (request) => repeatedStratifiedGroupKFold(request.labels, request.groups, repeatedOf(request)),
  },
  // With one repeat, these two splitters are equivalent to train_test_split.
  {
    name: 'ShuffleSplit',
    ...shuffleKind,
    split: (request) => shuffleSplit(request.labels.length, shuffleOf(request)),
  },
  {
    name: 'StratifiedShuffleSplit',
    ...shuffleKind,
    split: (request) => shuffleSplit(request.labels.length, { ...shuffleOf(request), stratify: request.labels }),
  },
  {
    name: 'LeaveOneGroupOut',
    grouped: true,
    takes: [],
    foldsOf: ({ groups }) => encodeGroups(groups).sizes.length,
    split: ({ groups }) => leaveOneGroupOut(groups),
  },
  {
    name: 'PredefinedSplit',
    grouped: false,
    takes: [],
    foldsOf: ({ predefined }) => predefinedFolds(predefined ?? []).length,
    split: ({ predefined }) => {
      if (predefined) return predefinedSplit(predefined);
      throw splitImpossible(
        'the data does not specify in which fold each clip is tested',
        'Add a column `fold` to the manifest, or sort the files into folders train and test, or fold1, fold2...',
      );
    },
  },
] as const satisfies readonly SplitterKind[];

export type Splitter = (typeof KINDS)[number]['name'];

export const SPLITTERS: readonly Splitter[] = KINDS.map(({ name }) => name);

const byName = new Map<string, SplitterKind>(KINDS.map((kind) => [kind.name, kind]));

export function splitterOf(name: Splitter): SplitterKind {
  return byName.get(name) as SplitterKind;
}

/** Whether a splitter guarantees that no group is in both train and test. */
export function isGrouped(splitter: Splitter): boolean {
  return splitterOf(splitter).grouped;
}
