import { kindOf } from '@cryfold/estimators';
import type { SearchResults, TrialRow } from '@cryfold/evaluation';
import type { Spec, Trial } from '@cryfold/plan';
import { type CorrectedScore, correctedScore, pooledScore, type TrialAnswers } from './corrected.js';

export interface ChoiceInput {
  search: NonNullable<Spec['search']>;
  /** The started trials of one estimator that have at least one fold result; excludes failed trials */
  begun: readonly (Pick<Trial, 'trial' | 'state'> & { answers: TrialAnswers })[];
  /** The selected trial; null if none could be selected */
  winner: string | null;
  /** Class of each clip */
  labels: ArrayLike<number>;
  groups: readonly string[];
}

/** The score of the selected trial. Both scores are pooled over clips, so that their difference is meaningful. */
export type Chosen = Pick<SearchResults['winners'][number], 'pooled'> & { corrected: CorrectedScore | null };

/**
 * Returns the selected trial's pooled score, and the same score corrected for the selection among all started trials.
 * Omits the corrected score if the trials were given different numbers of folds or epochs, because ASHA stops most
 * trials early, and their folds may test different clips. Including trials that were stopped because of bad luck would
 * make the correction too harsh. Using only the complete trials would ignore the first rungs, where chance matters
 * most.
 */
export function scoreChoice(
  { search, begun, winner, labels, groups }: ChoiceInput,
  options?: Parameters<typeof correctedScore>[1],
): Chosen {
  const { metric, algorithm } = search;
  const chosen = begun.find(({ trial }) => trial === winner);
  if (!chosen) return { pooled: null, corrected: null };
  const equal = algorithm !== 'asha' || begun.every(({ state }) => state === 'COMPLETE');
  const trials = begun.map(({ answers }) => answers);
  return {
    pooled: pooledScore(metric, chosen.answers, labels),
    corrected: equal ? correctedScore({ metric, trials, labels, groups }, options) : null,
  };
}

/**
 * Returns the number of epochs for which a trial's folds were trained, and the maximum number. Returns nothing unless
 * the search allocates epochs to its trials.
 */
export function trialEpochs(
  { search, estimators }: Pick<Spec, 'search' | 'estimators'>,
  { base, estimator }: Pick<Trial, 'base' | 'estimator'>,
): Pick<TrialRow, 'epochs'> {
  const { epochs } = kindOf(estimator);
  if (search?.algorithm !== 'asha' || search.asha?.resource !== 'epochs' || !epochs) return {};
  return { epochs: { trained: epochs.of(estimator), planned: epochs.of(estimators[base]) } };
}
