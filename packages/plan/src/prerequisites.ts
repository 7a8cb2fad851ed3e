import { type FoldQueue, kindOf, type Prerequisite, queueOf } from '@cryfold/estimators';
import { type RunPlan, settingsOf } from './plan.js';

type Needed = Prerequisite & { queue: FoldQueue };

/** Cached by plan and trial, because a plan never changes and the prerequisite is requested for each fold. */
const known = new WeakMap<RunPlan, Map<string, Needed | undefined>>();

/** Returns the prerequisite that must be computed before a trial's folds; undefined if they do not need one. */
export function prerequisiteOf(plan: RunPlan, trial: string): Needed | undefined {
  const trials = known.get(plan) ?? new Map<string, Needed | undefined>();
  if (!trials.has(trial)) trials.set(trial, findPrerequisite(plan, trial));
  known.set(plan, trials);
  return trials.get(trial);
}

function findPrerequisite(plan: RunPlan, trial: string): Needed | undefined {
  const estimator = plan.spec.estimators[trial];
  const kind = kindOf(estimator);
  const needed = kind.prerequisite?.(estimator, settingsOf(plan, trial));
  return needed && { ...needed, queue: queueOf(estimator) };
}

/** Returns the ids of all jobs that a run may add to a queue. */
export function queuedIds(plan: RunPlan, queue: FoldQueue): Set<string> {
  const ids = new Set<string>();
  for (const job of plan.jobs) {
    if (job.queue === queue) ids.add(job.key);
    const needed = prerequisiteOf(plan, job.trial);
    if (needed?.queue === queue) ids.add(needed.id);
  }
  return ids;
}
