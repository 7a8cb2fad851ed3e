import { CryfoldError, LIMITS } from '@cryfold/core';
import { splitterOf } from '@cryfold/evaluation';
import { innerFoldsOf, nestedMembers } from './inner-folds.js';
import type { Spec } from './spec-schema.js';

/** The properties of a dataset that determine the size of a plan. */
export interface DatasetSize {
  classes: readonly string[];
  clips: readonly { group: string; fold?: string | undefined }[];
}

const LARGE = 'Use fewer repeats, folds, estimators, trials or shuffles, or split the work into several runs.';

function tooLarge(what: string, size: number, limit: number, hint: string = LARGE): CryfoldError {
  const number = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  return new CryfoldError('PLAN_TOO_LARGE', `${what}: ${number(size)}; the limit is ${number(limit)}`, {
    context: { what, size, limit },
    hint,
  });
}

/**
 * Calculates the number of folds in a run, before any of them are listed, and checks that it is within the limits.
 * @throws CryfoldError PLAN_TOO_LARGE
 */
export function checkJobCount(spec: Spec): void {
  // If the number of folds depends on the data, `checkPlanSize` checks it.
  checkJobs(spec, foldsOf(spec, []));
}

/** @param folds number of folds in one repeat */
function checkJobs(spec: Spec, folds: number): void {
  const { repeats } = spec.protocol;
  if (repeats > LIMITS.repeats) throw tooLarge('repeats', repeats, LIMITS.repeats);
  if (folds > LIMITS.folds) throw tooLarge('folds', folds, LIMITS.folds);
  const { search, nulls = 0 } = spec;
  const searched = Object.keys(search?.space ?? {});
  const plain = Object.keys(spec.estimators).length - searched.length;
  const outer = folds * repeats;
  const inner = outer * (innerFoldsOf(spec) ?? 0);
  const members = [...nestedMembers(spec)].filter((name) => !searched.includes(name)).length;
  let jobs = plain * (outer + nulls * folds) + members * inner;
  for (const base of searched) {
    const trials = trialCount(spec, base);
    if (trials > LIMITS.trials) throw tooLarge(`trials of ${base}`, trials, LIMITS.trials);
    jobs += trials * (outer + (search?.nested ? inner : 0)) + (search?.nested ? outer : 0);
  }
  if (jobs > LIMITS.jobs) throw tooLarge('folds to train', jobs, LIMITS.jobs);
}

/** Returns the maximum number of trials that the search over all data may start. */
function trialCount({ search }: Spec, base: string): number {
  if (search?.algorithm !== 'grid') return search?.trials ?? 0;
  const space = search.space[base] ?? {};
  return Object.values(space).reduce((cells, parameter) => {
    if ('choice' in parameter) return cells * parameter.choice.length;
    if (!('int' in parameter)) return cells * (parameter.steps ?? 2);
    const [low, high] = parameter.int;
    return cells * Math.min(parameter.steps ?? Number.POSITIVE_INFINITY, high - low + 1);
  }, 1);
}

/** Returns the number of folds in one repeat of a spec's protocol on the given clips. */
function foldsOf({ protocol }: Spec, clips: DatasetSize['clips']): number {
  const groups = clips.map(({ group }) => group);
  const predefined = clips.flatMap(({ fold }) => fold ?? []);
  return splitterOf(protocol.splitter).foldsOf({ ...protocol, groups, predefined });
}

/**
 * Like `checkJobCount`, but also checks the limits that depend on the data.
 * @throws CryfoldError PLAN_TOO_LARGE
 */
export function checkPlanSize(spec: Spec, { classes, clips }: DatasetSize): void {
  const { splitter, repeats } = spec.protocol;
  const folds = foldsOf(spec, clips);
  checkJobs(spec, folds);
  const fewer = 'Use a part of the data (--limit), or split it into several datasets.';
  if (clips.length > LIMITS.clips) throw tooLarge('clips', clips.length, LIMITS.clips, fewer);
  if (classes.length > LIMITS.classes) throw tooLarge('classes', classes.length, LIMITS.classes, fewer);
  const longest = classes.reduce((most, label) => Math.max(most, label.length), 0);
  if (longest > LIMITS.label) throw tooLarge('characters in a label', longest, LIMITS.label, 'Shorten the label.');
  const inner = innerFoldsOf(spec) ?? 0;
  const indices = folds * repeats * clips.length * (1 + inner);
  if (indices > LIMITS.indices) throw tooLarge('clips over all splits', indices, LIMITS.indices);
  if (splitter !== 'StratifiedGroupKFold') return;
  const groups = new Set(clips.map(({ group }) => group)).size;
  const steps = groups * classes.length * repeats * (folds ** 2 + folds * inner ** 2);
  if (steps > LIMITS.groupSteps) {
    throw tooLarge('groups x classes x folds x folds x repeats', steps, LIMITS.groupSteps, 'Use fewer folds.');
  }
}
