import { repeatedGroupKFold, repeatedStratifiedGroupKFold } from './group-k-fold.js';
import { kFold, repeatedKFold, repeatedStratifiedKFold, stratifiedKFold } from './k-fold.js';
import type { Split } from './split.js';

/** What a splitter may look at. */
export interface SplitRequest {
  /** Class index of each clip */
  labels: Int32Array;
  /** Group of each clip */
  groups: readonly string[];
  /** At least 2 */
  folds: number;
  repeats: number;
  /** Integer in [0, 2^32) */
  seed: number;
}

export interface SplitterKind {
  /** scikit-learn's name */
  readonly name: string;
  /** Whether it keeps each group's clips on one side */
  readonly grouped: boolean;
  /** Whether it can make more than one repeat */
  readonly repeats: boolean;
  /** @throws CryfoldError SPLIT_IMPOSSIBLE */
  split(request: SplitRequest): Split[];
}

const repeatedOf = ({ folds: splits, repeats, seed }: SplitRequest) => ({ splits, repeats, seed });
const onceOf = ({ folds: splits, seed }: SplitRequest) => ({ splits, shuffle: true, seed });

/** Every splitter; the grouped ones are shuffled differently in each repeat. To add one, write it and name it here. */
const KINDS = [
  {
    ...{ name: 'RepeatedKFold', grouped: false, repeats: true },
    split: (request) => repeatedKFold(request.labels.length, repeatedOf(request)),
  },
  {
    ...{ name: 'RepeatedStratifiedKFold', grouped: false, repeats: true },
    split: (request) => repeatedStratifiedKFold(request.labels, repeatedOf(request)),
  },
  {
    ...{ name: 'KFold', grouped: false, repeats: false },
    split: (request) => kFold(request.labels.length, onceOf(request)),
  },
  {
    ...{ name: 'StratifiedKFold', grouped: false, repeats: false },
    split: (request) => stratifiedKFold(request.labels, onceOf(request)),
  },
  {
    ...{ name: 'GroupKFold', grouped: true, repeats: true },
    split: (request) => repeatedGroupKFold(request.groups, repeatedOf(request)),
  },
  {
    ...{ name: 'StratifiedGroupKFold', grouped: true, repeats: true },
    split: (request) => repeatedStratifiedGroupKFold(request.labels, request.groups, repeatedOf(request)),
  },
] as const satisfies readonly SplitterKind[];

export type Splitter = (typeof KINDS)[number]['name'];

export const SPLITTERS: readonly Splitter[] = KINDS.map(({ name }) => name);

const byName = new Map<string, SplitterKind>(KINDS.map((kind) => [kind.name, kind]));

export function splitterOf(name: Splitter): SplitterKind {
  return byName.get(name) as SplitterKind;
}

/** Whether a splitter promises that no group is in train and test. */
export function isGrouped(splitter: Splitter): boolean {
  return splitterOf(splitter).grouped;
}
