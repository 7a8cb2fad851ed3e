import { canonicalJson } from '@cryfold/core';
import type { TrialRow } from '@cryfold/evaluation';

/** Minimum number of trials. With fewer trials, a share of variance would be mostly due to chance. */
const LEAST_TRIALS = 10;
/** Minimum and maximum number of bins for a numeric parameter. */
const [LEAST_BINS, MOST_BINS] = [3, 8];

/** How much of the variation between trials one parameter explains. */
export interface ParameterImportance {
  name: string;
  /** From 0 to 1; null if it cannot be estimated */
  share: number | null;
  /** Number of trials on which the estimate is based */
  trials: number;
}

/**
 * Estimates, for each searched parameter, the share of the variance between the scores of an estimator's complete
 * trials that the parameter explains by itself. The share is epsilon squared, which is eta squared corrected for chance
 * (Kelley 1935), from a one-way analysis of variance. Numbers are binned by rank, so the scale of a range does not
 * matter. The share of a parameter without effect is about 0. Effects of interactions are not attributed to any
 * parameter. For a parameter that is searched only under a condition, only the trials that have the parameter are used.
 * @param trials of one estimator
 * @returns the most important parameter first
 */
export function parameterImportance(trials: readonly TrialRow[]): ParameterImportance[] {
  const complete = trials.filter(({ state, mean }) => state === 'COMPLETE' && mean !== null);
  const names = [...new Set(trials.flatMap(({ parameters }) => Object.keys(parameters)))];
  return names
    .map((name) => {
      const own = complete.filter(({ parameters }) => Object.hasOwn(parameters, name));
      const share = explained(
        own.map(({ parameters }) => parameters[name]),
        own.map(({ mean }) => mean ?? Number.NaN),
      );
      return { name, share, trials: own.length };
    })
    .sort((a, b) => (b.share ?? -1) - (a.share ?? -1));
}

/** The importance of each searched parameter, by estimator. */
export function importanceByEstimator(trials: readonly TrialRow[]): Record<string, ParameterImportance[]> {
  const bases = new Set(trials.map(({ base }) => base));
  return Object.fromEntries(
    [...bases].map((base) => [base, parameterImportance(trials.filter((row) => row.base === base))]),
  );
}

/** Returns the share, such as `84 %`, or why it is unknown. */
export function importanceText({ share, trials }: ParameterImportance): string {
  if (share !== null) return `${Math.round(100 * share)} %`;
  return trials < LEAST_TRIALS ? 'too few trials' : 'not estimable';
}

/** Returns epsilon squared of the scores, grouped by value. */
function explained(values: readonly unknown[], scores: readonly number[]): number | null {
  if (scores.length < LEAST_TRIALS) return null;
  const groups = grouped(values, scores);
  const within = scores.length - groups.length;
  if (groups.length < 2 || within < 2) return null;
  const all = mean(scores);
  const total = scores.reduce((sum, score) => sum + (score - all) ** 2, 0);
  if (total < 1e-18) return null;
  const between = groups.reduce((sum, group) => sum + group.length * (mean(group) - all) ** 2, 0);
  const error = (total - between) / within;
  return Math.min(1, Math.max(0, (between - (groups.length - 1) * error) / total));
}

/** Groups scores by value. Many different numbers are binned by rank, with equal numbers in the same bin. */
function grouped(values: readonly unknown[], scores: readonly number[]): number[][] {
  const byValue = new Map<string, number[]>();
  for (const [i, value] of values.entries()) {
    const key = canonicalJson(value);
    const own = byValue.get(key);
    if (own) own.push(scores[i]);
    else byValue.set(key, [scores[i]]);
  }
  const bins = Math.min(MOST_BINS, Math.max(LEAST_BINS, Math.round(Math.sqrt(values.length))));
  if (byValue.size <= bins || !values.every((value) => typeof value === 'number')) return [...byValue.values()];
  const ordered = values.map((value, i) => ({ value, score: scores[i] })).sort((a, b) => a.value - b.value);
  const groups: number[][] = [[]];
  for (const [i, { value, score }] of ordered.entries()) {
    const started = groups.length;
    const isFull = i >= (started * values.length) / bins;
    if (isFull && started < bins && value !== ordered[i - 1].value) groups.push([]);
    groups.at(-1)?.push(score);
  }
  return groups;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
