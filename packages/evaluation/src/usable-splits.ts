import { CryfoldError, type ErrorCode } from '@cryfold/core';
import type { Split } from './split.js';
import type { SplitRequest, SplitterKind } from './splitters.js';

/** Maximum number of folds to list individually. */
const SHOWN = 4;

/** Largest number of folds to try when searching for one that works. */
const MOST_TRIED = 20;

interface Problem {
  code: ErrorCode;
  /** The problem, worded so that it can follow a list of folds */
  what: string;
  folds: Split[];
}

/**
 * Returns the problem that makes folds unusable: nothing to test, nothing to train on, or only one class to train on.
 * Returns undefined if there is no problem.
 */
function problemOf(splits: readonly Split[], { labels }: Pick<SplitRequest, 'labels'>): Problem | undefined {
  const classesOf = ({ train }: Split) => new Set(Array.from(train, (clip) => labels[clip])).size;
  const problems: Problem[] = [
    { code: 'FOLD_EMPTY', what: 'without a test clip', folds: splits.filter(({ test }) => test.length === 0) },
    { code: 'FOLD_EMPTY', what: 'without a training clip', folds: splits.filter(({ train }) => train.length === 0) },
    {
      ...{ code: 'FOLD_ONE_CLASS', what: 'with training clips of a single class' },
      folds: splits.filter((split) => classesOf(split) === 1),
    },
  ];
  return problems.find(({ folds }) => folds.length > 0);
}

/**
 * Returns the largest number of folds below the requested one that causes no problems with this data and seed, or
 * undefined.
 */
function fewerFolds(kind: SplitterKind, request: SplitRequest): number | undefined {
  if (!kind.takes.includes('folds')) return undefined;
  for (let folds = Math.min(request.folds - 1, MOST_TRIED); folds >= 2; folds--) {
    try {
      if (!problemOf(kind.split({ ...request, folds }), request)) return folds;
    } catch (error) {
      if (!(error instanceof CryfoldError)) throw error;
    }
  }
  return undefined;
}

function hintOf(kind: SplitterKind, request: SplitRequest, code: ErrorCode): string {
  const folds = fewerFolds(kind, request);
  if (folds !== undefined) return `Use ${folds} folds: with this data and seed, all of them are usable.`;
  if (kind.name === 'PredefinedSplit') return 'Change the column `fold` of the manifest.';
  if (!kind.grouped) {
    return kind.name.includes('Stratified')
      ? 'Add clips of the smallest class, or remove that class.'
      : 'Add clips, or use a stratified splitter.';
  }
  return code === 'FOLD_EMPTY'
    ? 'Add groups, or use GroupKFold, which never leaves a fold empty.'
    : 'Add groups: each class needs clips of at least two groups, so that one is left for training.';
}

/** Creates the splits of a request. Error messages include the location of the splits. */
function splitNamed(kind: SplitterKind, request: SplitRequest, about: string): Split[] {
  try {
    return kind.split(request);
  } catch (error) {
    if (about === '' || !(error instanceof CryfoldError)) throw error;
    const { code, message, context, hint } = error;
    throw new CryfoldError(code, `${about}${message}`, {
      cause: error,
      context,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/**
 * Creates the splits of a request, and checks that they can be trained and tested. scikit-learn's StratifiedGroupKFold
 * may leave a fold without a test clip even if there are more groups than folds.
 * @param about location of the splits for messages, such as `inside repeat 0 fold 1: `, or empty
 * @throws CryfoldError SPLIT_IMPOSSIBLE; FOLD_EMPTY, FOLD_ONE_CLASS with the folds
 */
export function usableSplits(kind: SplitterKind, request: SplitRequest, about = ''): Split[] {
  const splits = splitNamed(kind, request, about);
  const problem = problemOf(splits, request);
  if (!problem) return splits;
  const { code, what, folds } = problem;
  const shown = folds.slice(0, SHOWN).map(({ repeat, fold }) => `repeat ${repeat} fold ${fold}`);
  const rest = folds.length - shown.length;
  const named = `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  throw new CryfoldError(
    code,
    `${about}${kind.name} makes ${folds.length} of ${splits.length} folds ${what}: ${named}`,
    {
      context: { splitter: kind.name, folds: folds.length, repeat: folds[0].repeat, fold: folds[0].fold },
      hint: hintOf(kind, request, code),
    },
  );
}
