import { contentKey } from './hash.js';
import type { FoldQueue, RunPlan } from './plan.js';
import { storeKeys } from './records.js';

/** An artifact that all folds of a trial read, computed once by a job of its own. */
export interface Prerequisite {
  kind: 'distances' | 'embeddings';
  /** Of the job; equal needs have equal ids, whichever run asks */
  id: string;
  queue: FoldQueue;
  /** In the store once the job is done */
  artifact: string;
}

/** By plan and trial: a plan does not change, and its folds ask again and again. */
const known = new WeakMap<RunPlan, Map<string, Prerequisite | undefined>>();

/** What a trial's folds need: SVMs all squared distances, a frozen backbone its features of all images. */
export function prerequisiteOf(plan: RunPlan, trial: string): Prerequisite | undefined {
  const trials = known.get(plan) ?? new Map<string, Prerequisite | undefined>();
  if (!trials.has(trial)) trials.set(trial, findPrerequisite(plan, trial));
  known.set(plan, trials);
  return trials.get(trial);
}

function findPrerequisite(plan: RunPlan, trial: string): Prerequisite | undefined {
  const estimator = plan.spec.estimators[trial];
  const features = plan.features.key;
  if (estimator.kind === 'svm') {
    return { kind: 'distances', id: `distances-${features}`, queue: 'cpu', artifact: storeKeys.gram(features) };
  }
  if (estimator.kind === 'tl-resnet50' && estimator.backbone === 'frozen') {
    const { weights, precision } = estimator;
    const key = contentKey({
      features,
      weights,
      precision,
      threads: plan.spec.threads,
      xla: plan.spec.xla || undefined,
    }).slice(0, 16);
    return { kind: 'embeddings', id: `embeddings-${key}`, queue: 'gpu', artifact: storeKeys.embeddings(features, key) };
  }
  return undefined;
}

/** Ids of all jobs that a run may put into a queue. */
export function queuedIds(plan: RunPlan, queue: FoldQueue): Set<string> {
  const ids = new Set<string>();
  for (const job of plan.jobs) {
    if (job.queue === queue) ids.add(job.key);
    const needed = prerequisiteOf(plan, job.trial);
    if (needed?.queue === queue) ids.add(needed.id);
  }
  return ids;
}
