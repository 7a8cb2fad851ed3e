import { ifReadable, mapLimited } from '@cryfold/core';
import { bestModel, type FoldJob, finalLoss, isInnerFold, type RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

/**
 * Where to save a fold's network, and the maximum test log-loss for saving it. For `best`, this is the minimum of the
 * trial's committed models. Folds that train at the same time do not know about each other, so several models may be
 * saved, but always the best one. `cryfold gc` removes the others. Models trained on shuffled labels, or in inner folds
 * of a nested fusion, are never saved.
 */
export async function modelToKeep(
  store: RunStore,
  plan: RunPlan,
  job: FoldJob,
  folder: string,
): Promise<{ folder: string; atMost: number } | undefined> {
  const { keepModels = 'none' } = plan.spec;
  if (keepModels === 'none' || job.shuffle !== undefined || isInnerFold(plan, job)) return undefined;
  if (keepModels === 'all') return { folder, atMost: Number.POSITIVE_INFINITY };
  const others = plan.jobs.filter((other) => other.trial === job.trial && !isInnerFold(plan, other));
  // Skips damaged records. The aggregator finds them, and their folds are trained again.
  const records = await mapLimited(others, ({ key }) => ifReadable(store.folds.result(key)));
  const best = bestModel(records.flatMap((record) => record ?? []));
  return { folder, atMost: best ? finalLoss(best) : Number.POSITIVE_INFINITY };
}
