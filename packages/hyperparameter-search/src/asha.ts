import { kindOf } from '@cryfold/estimators';
import type { Decision, SearchSpec } from '@cryfold/plan';
import { begin, type Contest, type Entrant, proposals, trialStatistics } from './contest.js';
import { meanScore } from './racing.js';

type Evaluate = Extract<Decision, { kind: 'evaluate' }>;
type Rules = NonNullable<SearchSpec['asha']>;

/**
 * The rungs that trials climb. `sizes` is the number of folds or epochs that each rung grants, in ascending order; the
 * last rung grants the maximum.
 */
interface Ladder {
  resource: Rules['resource'];
  sizes: readonly number[];
}

const DEFAULTS: Rules = { resource: 'folds', eta: 3, min: 1 };

/** Returns the number of folds or epochs that each rung grants. The last rung grants the maximum. */
function rungs({ min, eta }: Pick<Rules, 'min' | 'eta'>, most: number): number[] {
  const sizes: number[] = [];
  for (let size = Math.min(min, most); size < most; size *= eta) sizes.push(size);
  return [...sizes, most];
}

/**
 * Asynchronous successive halving: a trial among the best 1/eta of its rung continues with eta times the folds or
 * epochs; if there is no such trial, a new trial starts. Source: Li et al., "A system for massively parallel
 * hyperparameter tuning" (MLSys 2020). At the end, when nothing is running, the best trial is always promoted to the
 * last rung.
 */
export function decideAsha(contest: Contest): Decision[] {
  const { search, trials, ratio } = contest;
  const rules = search.asha ?? DEFAULTS;
  const sizes = rungs(rules, mostOf(contest, rules));
  const ladder = { resource: rules.resource, sizes };
  const decisions: Decision[] = [];
  const idle = (trial: Entrant) =>
    trial.state === 'RUNNING' && trial.error === undefined && trial.scores.size === trial.splits.length;
  const end = (trial: Entrant, state: 'COMPLETE' | 'PRUNED', reason: string): Decision => ({
    ...{ kind: 'end', trial: trial.trial, state, reason, splits: [...trial.splits] },
    statistics: trialStatistics(trial.scores, ratio, search),
  });
  const waiting: Entrant[] = [];
  for (const trial of trials.filter(idle)) {
    if (rungOf(trial) < sizes.length - 1) waiting.push(trial);
    else decisions.push(end(trial, 'COMPLETE', `the last rung: ${describe(rules, sizes.at(-1)!)}`));
  }
  const promoted = new Set<string>();
  const promote = (trial: Entrant) => {
    promoted.add(trial.trial);
    decisions.push(evaluate(contest, trial, ladder, rungOf(trial) + 1));
  };
  let free = search.parallel - trials.filter((trial) => trial.state === 'RUNNING' && !idle(trial)).length;
  for (let rung = sizes.length - 2; rung >= 0; rung--) {
    for (const trial of promotable(trials, waiting, rung, rules.eta)) if (free-- > 0) promote(trial);
  }
  const fresh = free > 0 ? proposals(contest, free) : [];
  fresh.forEach((parameters, i) => {
    decisions.push(evaluate(contest, { parameters, number: trials.length + i }, ladder, 0));
  });
  const left = waiting.filter(({ trial }) => !promoted.has(trial));
  const quiet = promoted.size + fresh.length === 0 && !trials.some((t) => t.state === 'RUNNING' && !idle(t));
  if (!quiet || left.length === 0) return decisions;
  const complete = trials.some(({ state }) => state === 'COMPLETE') || decisions.length > 0;
  if (!complete) {
    promote(bestOf(left));
    return decisions;
  }
  return [
    ...decisions,
    ...left.map((trial) => {
      const reason = `not among the best 1/${rules.eta} at ${describe(rules, sizes[rungOf(trial)])}`;
      return end(trial, 'PRUNED', reason);
    }),
  ];
}

const rungOf = ({ rung = 0 }: Entrant) => rung;
const describe = ({ resource }: Rules, size: number) => `${size} ${resource}`;

function mostOf({ estimator, splits }: Contest, { resource }: Rules): number {
  const { epochs } = kindOf(estimator);
  return resource === 'epochs' && epochs ? epochs.of(estimator) : splits.length;
}

/** Returns the score that a trial had when it finished a rung; undefined if it has not finished that rung. */
function scoreAt(trial: Entrant, rung: number): number | undefined {
  const earlier = trial.lowerRungs?.[rung];
  if (earlier !== undefined) return earlier;
  const finished = rungOf(trial) === rung && trial.scores.size === trial.splits.length;
  return finished ? meanScore(trial.scores.values()) : undefined;
}

/** Returns the trials that are waiting at a rung and are among the best 1/eta of that rung, best first. */
function promotable(trials: readonly Entrant[], waiting: readonly Entrant[], rung: number, eta: number): Entrant[] {
  const finished = trials
    .flatMap((trial) => {
      const score = trial.state === 'FAILED' ? undefined : scoreAt(trial, rung);
      return score === undefined ? [] : [{ trial, score }];
    })
    .sort((a, b) => b.score - a.score);
  const top = finished.slice(0, Math.floor(finished.length / eta)).map(({ trial }) => trial);
  return top.filter((trial) => waiting.includes(trial) && rungOf(trial) === rung);
}

/** Returns the best trial on the highest rung that any trial has reached. */
function bestOf(trials: readonly Entrant[]): Entrant {
  return [...trials].sort(
    (a, b) => rungOf(b) - rungOf(a) || meanScore(b.scores.values()) - meanScore(a.scores.values()),
  )[0];
}

/** Returns the decision to evaluate a new or existing trial at a rung. */
function evaluate(
  contest: Contest,
  what: Entrant | { parameters: Record<string, unknown>; number: number },
  { resource, sizes }: Ladder,
  rung: number,
): Evaluate {
  const number = 'number' in what ? what.number : contest.trials.indexOf(what);
  const decision = begin(contest, what.parameters, number);
  const { estimator } = decision;
  const { epochs } = kindOf(estimator);
  const lower = 'scores' in what ? [...(what.lowerRungs ?? []), meanScore(what.scores.values())] : [];
  return {
    ...decision,
    rung,
    lowerRungs: lower,
    ...(resource === 'epochs' && epochs
      ? { estimator: epochs.with(estimator, sizes[rung]) }
      : { splits: decision.splits.slice(0, sizes[rung]) }),
  };
}
