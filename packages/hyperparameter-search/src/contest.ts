import type { Estimator } from '@cryfold/estimators';
import { nadeauBengio, scoreOf, summarise } from '@cryfold/evaluation';
import type { Decision, SearchSpec, Trial, TrialStatistics } from '@cryfold/plan';
import { propose } from './propose.js';
import { meanScore, type Scores } from './racing.js';
import { type Parameters, trialEstimator } from './space.js';

/** One search for the parameters of an estimator, over all data or inside an outer fold. */
export interface Contest {
  search: SearchSpec;
  base: string;
  estimator: Estimator;
  context: number;
  /** The splits on which the contest's trials are compared, in order of evaluation */
  splits: readonly number[];
  /** Ratio of test clips to training clips in an average fold */
  ratio: number;
  seed: number;
  trials: Entrant[];
  /** Returns the name of the trial with the given number */
  nameOf: (number: number) => string;
}

export interface Entrant extends Trial {
  /** The trial's scores on its current splits, not including splits that are unfinished */
  scores: Scores;
  error: string | undefined;
}

/** Scores of a trial's folds, in the units of the metric. */
export function trialStatistics(scores: Scores, ratio: number, search: SearchSpec): TrialStatistics {
  const values = [...scores.values()].map((score) => scoreOf(search.metric, score));
  const summary = summarise(values);
  const interval = nadeauBengio(values, ratio);
  return {
    folds: values.length,
    mean: summary?.mean ?? null,
    standardDeviation: summary?.standardDeviation ?? null,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
  };
}

/** Returns the first decision about a trial. */
export function begin(
  contest: Contest,
  parameters: Parameters,
  number: number,
): Extract<Decision, { kind: 'evaluate' }> {
  const { base, context, estimator, splits } = contest;
  return {
    kind: 'evaluate',
    trial: contest.nameOf(number),
    ...{ base, context, parameters, splits: [...splits] },
    estimator: trialEstimator(estimator, parameters),
  };
}

/** Returns new parameters to try. If the algorithm does not learn from earlier trials, returns all of them at once. */
export function proposals({ search, base, estimator, seed, trials }: Contest, count: number): Parameters[] {
  const earlier = trials.map(({ parameters, state, scores }) => ({
    parameters,
    // A pruned trial has a score too: fewer folds were enough to show that it performs badly.
    score: state === 'RUNNING' || scores.size === 0 ? undefined : meanScore(scores.values()),
  }));
  return propose({ search, space: search.space[base], base: estimator, seed, earlier }, count);
}
