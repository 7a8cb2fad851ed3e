import { CryfoldError, FORMATS } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import { z } from 'zod';
import { nestedMembers } from './inner-folds.js';
import { addJobs, type RunPlan } from './plan.js';

const indices = z.array(z.int().min(0));

/** Figures that explain why a trial ended: its metric over the folds, and the race that it lost. */
const statisticsSchema = z.strictObject({
  folds: z.int(),
  mean: z.number().nullable(),
  standardDeviation: z.number().nullable(),
  /** 95 % interval of the mean, with the correction for overlapping training sets */
  low: z.number().nullable(),
  high: z.number().nullable(),
  race: z
    .strictObject({
      leader: z.string(),
      folds: z.int(),
      /** How much better the leader is than the trial, on the folds that have been evaluated for both */
      meanDifference: z.number(),
      t: z.number().nullable(),
      /** One-sided */
      pValue: z.number(),
      threshold: z.number(),
    })
    .optional(),
});

const decisionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    /** A trial starts, or continues with more resources. This entry replaces any earlier entry of the same trial. */
    kind: z.literal('evaluate'),
    trial: z.string(),
    /** The estimator in the spec of which the trial is a variant */
    base: z.string(),
    /** 0: the search over all data; o + 1: the search inside outer split o */
    context: z.int().min(0),
    /** For ASHA: the rung of the trial, and its scores on the rungs below */
    rung: z.int().min(0).optional(),
    lowerRungs: z.array(z.number()).optional(),
    /** The parameters that the search has chosen, without those that the spec fixes */
    parameters: z.record(z.string(), z.unknown()),
    estimator: estimatorSchema,
    /** Indices of the splits on which the trial is evaluated, in order */
    splits: indices,
  }),
  z.strictObject({
    kind: z.literal('end'),
    trial: z.string(),
    state: z.enum(['COMPLETE', 'PRUNED', 'FAILED']),
    reason: z.string(),
    statistics: statisticsSchema,
    /** The splits whose results were decisive. The other splits are no longer evaluated. */
    splits: indices,
  }),
  z.strictObject({
    /** A search has finished; `trial` is null if every trial failed. */
    kind: z.literal('choose'),
    base: z.string(),
    context: z.int().min(0),
    trial: z.string().nullable(),
  }),
]);

/** `runs/<run>/search/<number>.json`: decisions of a sweep, which are final. Numbers have no gaps. */
export const searchRecordSchema = z.strictObject({
  format: z.literal(FORMATS.search),
  at: z.iso.datetime(),
  decisions: z.array(decisionSchema).min(1),
});

export type Decision = z.infer<typeof decisionSchema>;
export type SearchRecord = z.infer<typeof searchRecordSchema>;
export type TrialStatistics = z.infer<typeof statisticsSchema>;
export type TrialState = 'RUNNING' | 'COMPLETE' | 'PRUNED' | 'FAILED';

/** A trial with the decisions made about it so far. */
export interface Trial extends Omit<Extract<Decision, { kind: 'evaluate' }>, 'kind'> {
  state: TrialState;
  reason?: string;
  statistics?: TrialStatistics;
}

export interface SearchLog {
  /** In the order in which they started */
  trials: Map<string, Trial>;
  /** Key as computed by `choiceKey` */
  choices: Map<string, string | null>;
}

export const choiceKey = (base: string, context: number): string => `${base} ${context}`;

/** @throws CryfoldError JOB_INVALID for a decision about a trial that never started */
export function replay(decisions: readonly Decision[]): SearchLog {
  const log: SearchLog = { trials: new Map(), choices: new Map() };
  for (const decision of decisions) {
    if (decision.kind === 'choose') log.choices.set(choiceKey(decision.base, decision.context), decision.trial);
    else if (decision.kind === 'evaluate') {
      const { kind: _, ...trial } = decision;
      log.trials.set(trial.trial, { ...trial, state: 'RUNNING' });
    } else {
      const trial = log.trials.get(decision.trial);
      if (!trial) {
        throw new CryfoldError('JOB_INVALID', `the search log ends trial ${decision.trial}, which never started`, {
          hint: 'A record of the search was deleted. Start the sweep again under another name.',
        });
      }
      const { kind: _, ...end } = decision;
      Object.assign(trial, end);
    }
  }
  return log;
}

const TRIAL_NAME = /^(.+)-\d{3,}(?:-in-\d+-\d+)?$/;

/** Returns the name of a trial in a sweep. `inside` is the outer split inside which the search runs. */
export function trialName(base: string, number: number, inside?: { repeat: number; fold: number }): string {
  const name = `${base}-${String(number + 1).padStart(3, '0')}`;
  return inside ? `${name}-in-${inside.repeat}-${inside.fold}` : name;
}

/** Returns a trial's number, from 1, in the order in which trials started. @param trial its name, even with a caveat */
export function trialNumber(trial: string): number {
  return Number(/-(\d{3,})(?:-in-\d+-\d+)?(?: |$)/.exec(trial)?.[1] ?? 0);
}

/**
 * Returns the searched estimator of which a job's trial is a variant; undefined if the job does not belong to a trial
 * of a sweep.
 */
export function searchedBase({ spec }: Pick<RunPlan, 'spec'>, trial: string): string | undefined {
  const base = spec.search && TRIAL_NAME.exec(trial)?.[1];
  return base !== undefined && Object.hasOwn(spec.search?.space ?? {}, base) ? base : undefined;
}

/**
 * Whether a job is an inner fold of a nested fusion's member. Its predictions only train the fusion and are not
 * reported. False for the inner folds of a sweep's own trials.
 */
export function isInnerFold(
  plan: Pick<RunPlan, 'spec' | 'splits'>,
  { trial, split }: Pick<RunPlan['jobs'][number], 'trial' | 'split'>,
): boolean {
  return plan.splits[split].outer !== undefined && searchedBase(plan, trial) === undefined;
}

/** Returns the splits on which a context's trials are compared: the outer splits, or those inside an outer split. */
export function contextSplits(plan: Pick<RunPlan, 'splits'>, context: number): number[] {
  const outer = context === 0 ? undefined : context - 1;
  return plan.splits.flatMap((split, s) => (split.outer === outer ? [s] : []));
}

/** Returns every context of a plan: 0 and, with nested cross-validation, one per outer split. */
export function contextsOf({ spec, splits }: Pick<RunPlan, 'spec' | 'splits'>): number[] {
  if (!spec.search?.nested) return [0];
  return [0, ...splits.flatMap(({ outer }, s) => (outer === undefined ? [s + 1] : []))];
}

/**
 * Adds to the plan all folds that the decisions so far require. Each trial becomes an estimator with its own name.
 */
export function growPlan(plan: RunPlan, log: SearchLog): RunPlan {
  const grown: RunPlan = {
    ...plan,
    spec: { ...plan.spec, estimators: { ...plan.spec.estimators } },
    jobs: [...plan.jobs],
  };
  const wanted: { split: number; trial: string; rank: number }[] = [];
  for (const { trial, estimator, splits } of log.trials.values()) {
    grown.spec.estimators[trial] = estimator;
    splits.forEach((split, rank) => {
      wanted.push({ split, trial, rank });
    });
  }
  for (const [key, trial] of log.choices) {
    const context = Number(key.split(' ')[1]);
    if (context > 0 && trial !== null) wanted.push({ split: context - 1, trial, rank: 0 });
  }
  // Trials advance together, so that they can be compared on the same folds.
  wanted.sort((a, b) => a.rank - b.rank);
  addJobs(grown, wanted);
  return grown;
}

/**
 * Converts a finished sweep into an ordinary run, in which each searched estimator has the winner's parameters and
 * folds. With nested cross-validation, the result of an outer fold is that of the trial that won inside this fold.
 * Inner splits are only kept for nested fusions that learn from them.
 * @param grown result of `growPlan`, if known
 */
export function selectedPlan(plan: RunPlan, log: SearchLog, grown = growPlan(plan, log)): RunPlan {
  const outer = contextSplits(plan, 0);
  const members = nestedMembers(plan.spec);
  const estimators = { ...plan.spec.estimators };
  const jobs = [...plan.jobs];
  for (const base of Object.keys(plan.spec.search?.space ?? {})) {
    const winner = log.trials.get(log.choices.get(choiceKey(base, 0)) ?? '');
    if (winner) estimators[base] = winner.estimator;
    for (const split of outer) {
      const inside = plan.spec.search?.nested ? log.choices.get(choiceKey(base, split + 1)) : winner?.trial;
      const job = grown.jobs.find((candidate) => candidate.trial === inside && candidate.split === split);
      if (job) jobs.push({ ...job, trial: base });
      if (!members.has(base)) continue;
      // A nested fusion learns from the inner folds of the same trial.
      const within = new Set(contextSplits(plan, split + 1));
      for (const one of grown.jobs)
        if (one.trial === inside && within.has(one.split)) jobs.push({ ...one, trial: base });
    }
  }
  const splits = members.size > 0 ? plan.splits : outer.map((s) => plan.splits[s]);
  return { ...plan, spec: { ...plan.spec, estimators }, splits, jobs };
}
