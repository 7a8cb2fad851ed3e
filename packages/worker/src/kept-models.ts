import { ifReadable, mapLimited } from '@cryfold/core';
import { bestModel, type FoldJob, finalLoss, isInnerFold, type RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

/**
 * Returns where to save a fold's network, and the maximum test log-loss up to which it is saved. For `best`, the
 * maximum is the smallest test log-loss among the trial's committed models. Folds that train at the same time do not
 * see each other's results, so several models may be saved, but the best one is always among them. `cryfold gc` removes
 * the others. Models trained on shuffled labels, or in inner folds of a nested fusion, are never saved.
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
  // Skips damaged records. The aggregator finds damaged records and has their folds trained again.
  const records = await mapLimited(others, ({ key }) => ifReadable(store.folds.result(key)));
  const best = bestModel(records.flatMap((record) => record ?? []));
  return { folder, atMost: best ? finalLoss(best) : Number.POSITIVE_INFINITY };
}
