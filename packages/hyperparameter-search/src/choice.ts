import { kindOf } from '@cryfold/estimators';
import type { SearchResults, TrialRow } from '@cryfold/evaluation';
import type { Spec, Trial } from '@cryfold/plan';
import { type CorrectedScore, correctedScore, pooledScore, type TrialAnswers } from './corrected.js';

export interface ChoiceInput {
  search: NonNullable<Spec['search']>;
  /** Trials of one estimator that were started and have at least one fold result, without failed ones */
  begun: readonly (Pick<Trial, 'trial' | 'state'> & { answers: TrialAnswers })[];
  /** The selected trial; null if none could be selected */
  winner: string | null;
  /** Class of each clip */
  labels: ArrayLike<number>;
  groups: readonly string[];
}

/** The score of a selection. Both figures are pooled over clips, so that they can be subtracted from each other. */
export type Chosen = Pick<SearchResults['winners'][number], 'pooled'> & { corrected: CorrectedScore | null };

/**
 * The selected trial's pooled score, and that score corrected for the selection among all trials that were started.
 * There is no corrected score if trials had unequal resources: ASHA stops most of them early, and folds may test
 * different clips. Trials that were stopped because of bad luck would make the correction too harsh. Using only the
 * complete trials would ignore the first rungs, where chance matters most.
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
 * For how many epochs the folds of a trial were trained, and the maximum; only if a search allocates epochs to its
 * trials.
 */
export function trialEpochs(
  { search, estimators }: Pick<Spec, 'search' | 'estimators'>,
  { base, estimator }: Pick<Trial, 'base' | 'estimator'>,
): Pick<TrialRow, 'epochs'> {
  const { epochs } = kindOf(estimator);
  if (search?.algorithm !== 'asha' || search.asha?.resource !== 'epochs' || !epochs) return {};
  return { epochs: { trained: epochs.of(estimator), planned: epochs.of(estimators[base]) } };
}
