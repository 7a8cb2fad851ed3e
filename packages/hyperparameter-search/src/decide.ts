import { deriveSeed } from '@cryfold/core';
import { METRICS } from '@cryfold/evaluation';
import {
  choiceKey,
  contextSplits,
  contextsOf,
  type Decision,
  type RunPlan,
  type SearchLog,
  type Trial,
  trialName,
} from '@cryfold/plan';
import { decideAsha } from './asha.js';
import { begin, type Contest, type Entrant, proposals, trialStatistics } from './contest.js';
import { losers, meanScore } from './racing.js';

/** The state of one fold of a trial. */
export type FoldOutcome = { score: number } | { error: string } | undefined;

export interface SearchInput {
  /** The plan as first stored, without anything that the search has added */
  plan: RunPlan;
  log: SearchLog;
  /** Returns the outcome of a trial on a split; larger scores are better */
  outcome: (trial: string, split: number) => FoldOutcome;
}

/** Returns all searches of a run that have not been decided yet. */
export function openContests({ plan, log, outcome }: SearchInput): Contest[] {
  const { search } = plan.spec;
  if (!search) return [];
  return contextsOf(plan).flatMap((context) => {
    const splits = contextSplits(plan, context);
    const ratio = meanScore(splits.map((s) => plan.splits[s].test.length / plan.splits[s].train.length));
    const outer = plan.splits[context - 1];
    return Object.keys(search.space).flatMap((base) => {
      if (log.choices.has(choiceKey(base, context))) return [];
      const trials = [...log.trials.values()]
        .filter((trial) => trial.base === base && trial.context === context)
        .map((trial) => entrant(trial, outcome));
      return {
        ...{ search, base, estimator: plan.spec.estimators[base], context, splits, ratio, trials },
        // If the algorithm does not learn from earlier trials, the search inside every outer fold tries the same trials
        // as the search over all data.
        seed: deriveSeed(plan.spec.seed, 'search', base),
        nameOf: (number: number) => trialName(base, number, outer),
      };
    });
  });
}

function entrant(trial: Trial, outcome: SearchInput['outcome']): Entrant {
  const scores = new Map<number, number>();
  let error: string | undefined;
  for (const split of trial.splits) {
    const found = outcome(trial.trial, split);
    if (found && 'score' in found) scores.set(split, found.score);
    else if (found) error ??= found.error;
  }
  return { ...trial, scores, error };
}

/**
 * Returns the next decisions, or an empty list while the search can only wait for results. Equal inputs lead to equal
 * decisions.
 */
export function decide(input: SearchInput): Decision[] {
  return openContests(input).flatMap((contest) => {
    const ended = endTrials(contest);
    const decisions = [...ended, ...lost(contest, ended)];
    const over = new Set(decisions.map((decision) => decision.kind === 'end' && decision.trial));
    const trials = contest.trials.map((trial): Entrant => {
      const end = decisions.find((decision) => decision.kind === 'end' && decision.trial === trial.trial);
      return end?.kind === 'end' && over.has(trial.trial) ? { ...trial, state: end.state } : trial;
    });
    const now = { ...contest, trials };
    const next = contest.search.algorithm === 'asha' ? decideAsha(now) : start(now);
    if (decisions.length + next.length > 0 || trials.some(({ state }) => state === 'RUNNING')) {
      return [...decisions, ...next];
    }
    return [choose(now)];
  });
}

/** Ends trials whose folds have all finished, and trials with a fold that cannot be trained. */
function endTrials({ search, trials, ratio }: Contest): Decision[] {
  return trials.flatMap((trial): Decision[] => {
    if (trial.state !== 'RUNNING') return [];
    const statistics = trialStatistics(trial.scores, ratio, search);
    const end = { kind: 'end' as const, trial: trial.trial, statistics, splits: [...trial.scores.keys()] };
    if (trial.error !== undefined) return [{ ...end, state: 'FAILED', reason: trial.error }];
    // ASHA may still promote the trial.
    if (search.algorithm === 'asha' || trial.scores.size < trial.splits.length) return [];
    return [{ ...end, state: 'COMPLETE', reason: `all ${trial.splits.length} folds` }];
  });
}

/** Ends trials that are losing the race. */
function lost({ search, trials, ratio }: Contest, ended: readonly Decision[]): Decision[] {
  const rules = search.racing;
  if (!rules) return [];
  const over = new Set(ended.map((decision) => decision.kind === 'end' && decision.trial));
  const runners = trials
    .filter(({ state, error }) => state !== 'FAILED' && state !== 'PRUNED' && error === undefined)
    .map(({ trial, state, scores }) => ({ trial, scores, running: state === 'RUNNING' && !over.has(trial) }));
  return losers(runners, ratio, rules).map(({ trial, race }) => {
    const { scores } = trials.find((one) => one.trial === trial)!;
    const { leader, folds, meanDifference, pValue } = race;
    const gap = Math.abs(meanDifference);
    // Uses the same units as the tables: nats for the log-loss, and percent for all other metrics.
    const by = METRICS[search.metric].share ? `${(100 * gap).toFixed(2)} points` : gap.toPrecision(2);
    return {
      ...{ kind: 'end', trial, state: 'PRUNED' },
      reason: `worse than ${leader} by ${by} on ${folds} common folds (p ${pValue.toPrecision(2)})`,
      statistics: { ...trialStatistics(scores, ratio, search), race },
      splits: [...scores.keys()],
    };
  });
}

function start(contest: Contest): Decision[] {
  const { search, trials } = contest;
  const running = trials.filter(({ state }) => state === 'RUNNING').length;
  const count = search.algorithm === 'tpe' ? search.parallel - running : Number.POSITIVE_INFINITY;
  if (count <= 0 || (search.algorithm !== 'tpe' && trials.length > 0)) return [];
  return proposals(contest, count).map((parameters, i) => begin(contest, parameters, trials.length + i));
}

/** Chooses the best of the fully evaluated trials; the first one if several are equal. */
function choose({ base, context, trials }: Contest): Decision {
  let best: Entrant | undefined;
  for (const trial of trials) {
    if (trial.state !== 'COMPLETE') continue;
    if (!best || meanScore(trial.scores.values()) > meanScore(best.scores.values())) best = trial;
  }
  return { kind: 'choose', base, context, trial: best?.trial ?? null };
}
