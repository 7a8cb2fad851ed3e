import { ifReadable, mapLimited } from '@cryfold/core';
import { bestModel, type FoldJob, finalLoss, isInnerFold, type RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';

/**
 * Where a fold's network goes, and the largest test log-loss with which it is kept. For `best` that is the least of the
 * trial's committed models. Folds trained at the same time do not know about each other, so a few more than one may be
 * kept, but always the best; `cryfold gc` removes the others. What was trained on shuffled labels, or
 * inside an outer fold for a nested fusion, is never kept.
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
  // A damaged record says nothing here; the aggregator finds it, and its fold is trained again.
  const records = await mapLimited(others, ({ key }) => ifReadable(store.folds.result(key)));
  const best = bestModel(records.flatMap((record) => record ?? []));
  return { folder, atMost: best ? finalLoss(best) : Number.POSITIVE_INFINITY };
}
