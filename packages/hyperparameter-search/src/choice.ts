import { kindOf } from '@cryfold/estimators';
import type { SearchResults, TrialRow } from '@cryfold/evaluation';
import type { Spec, Trial } from '@cryfold/plan';
import { type CorrectedScore, correctedScore, pooledScore, type TrialAnswers } from './corrected.js';

export interface ChoiceInput {
  search: NonNullable<Spec['search']>;
  /** Those of one estimator that were begun and have a fold result, without those that failed */
  begun: readonly (Pick<Trial, 'trial' | 'state'> & { answers: TrialAnswers })[];
  /** Which of them was chosen; null where none could be */
  winner: string | null;
  /** Class of each clip */
  labels: ArrayLike<number>;
  groups: readonly string[];
}

/** What the choice of a trial is worth. Both figures are pooled over clips, so that one may be subtracted from the other. */
export type Chosen = Pick<SearchResults['winners'][number], 'pooled'> & { corrected: CorrectedScore | null };

/**
 * The chosen trial's pooled score, and that score corrected for having been chosen among all trials that were begun.
 * There is no corrected score where trials had unequal resources: ASHA stops most of them early, and folds may test other
 * clips. A trial that was stopped for its bad luck would make the correction too harsh. A
 * correction among complete trials alone is no correction, since the first rungs are where most of the luck is.
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

/** For how many epochs a trial's folds were trained, of how many; only where a search gives epochs to its trials. */
export function trialEpochs(
  { search, estimators }: Pick<Spec, 'search' | 'estimators'>,
  { base, estimator }: Pick<Trial, 'base' | 'estimator'>,
): Pick<TrialRow, 'epochs'> {
  const { epochs } = kindOf(estimator);
  if (search?.algorithm !== 'asha' || search.asha?.resource !== 'epochs' || !epochs) return {};
  return { epochs: { trained: epochs.of(estimator), planned: epochs.of(estimators[base]) } };
}
