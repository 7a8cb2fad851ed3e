import { correctedT } from '@cryfold/evaluation';
import type { SearchSpec, TrialStatistics } from '@cryfold/plan';

export type Racing = NonNullable<SearchSpec['racing']>;
export type Scores = ReadonlyMap<number, number>;

/** Returns the mean; larger is better. NaN if there are no scores. */
export function meanScore(scores: Iterable<number>): number {
  let sum = 0;
  let count = 0;
  for (const score of scores) {
    sum += score;
    count++;
  }
  return sum / count;
}

/**
 * Tests whether a trial is clearly worse than another trial on the splits that both have finished, with the one-sided
 * corrected resampled t-test of Nadeau and Bengio. The threshold is applied after every fold; docs/sweeps.md describes
 * how it was calibrated for these repeated tests.
 * @param scores by split; larger is better
 * @param ratio number of test clips of a fold, divided by its number of training clips
 * @returns undefined if there are too few common folds
 */
function race(
  scores: Scores,
  leader: { name: string; scores: Scores },
  ratio: number,
  { threshold, minFolds }: Racing,
): NonNullable<TrialStatistics['race']> | undefined {
  const differences: number[] = [];
  for (const [split, score] of scores) {
    const other = leader.scores.get(split);
    if (other !== undefined) differences.push(other - score);
  }
  if (differences.length < minFolds) return undefined;
  const test = correctedT(differences, ratio);
  if (!test) return undefined;
  const { meanDifference, t, pValue } = test;
  return {
    leader: leader.name,
    folds: differences.length,
    meanDifference,
    t,
    pValue: meanDifference > 0 ? pValue / 2 : 1 - pValue / 2,
    threshold,
  };
}

/** A trial that takes part in the race. */
export interface Runner {
  trial: string;
  /** Whether it may still be stopped */
  running: boolean;
  scores: Scores;
}

export interface Loser {
  trial: string;
  race: NonNullable<TrialStatistics['race']>;
}

/**
 * Returns the trials that are clearly worse than the leader, which is the trial with the best mean.
 * @param runners all trials except stopped ones
 */
export function losers(runners: readonly Runner[], ratio: number, rules: Racing): Loser[] {
  let leader: { name: string; scores: Scores } | undefined;
  let best = Number.NEGATIVE_INFINITY;
  for (const { trial, scores } of runners) {
    if (scores.size < rules.minFolds) continue;
    const mean = meanScore(scores.values());
    if (mean > best) [leader, best] = [{ name: trial, scores }, mean];
  }
  if (!leader) return [];
  const { name } = leader;
  return runners.flatMap(({ trial, running, scores }) => {
    if (!running || trial === name) return [];
    const result = race(scores, leader, ratio, rules);
    return result && result.pValue < rules.threshold ? [{ trial, race: result }] : [];
  });
}
