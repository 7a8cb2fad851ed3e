import type { ArtifactStore } from '@cryfold/artifacts';
import { decodeRecord } from '@cryfold/core';
import {
  bestModel,
  type FoldJob,
  type FoldResult,
  finalLoss,
  foldResultSchema,
  type RunPlan,
  storeKeys,
} from '@cryfold/plan';

/**
 * Where a fold's network goes, and the largest test log-loss with which it is kept. For `best` that is the least of the
 * trial's committed models. What was trained on shuffled labels is of no use to anybody. Folds at work at the same time don't know of each other, so a few more than one may be
 * kept, but always the best; `cryfold gc` removes the others.
 */
export async function modelToKeep(
  store: ArtifactStore,
  plan: RunPlan,
  job: FoldJob,
  folder: string,
): Promise<{ folder: string; atMost: number } | undefined> {
  const { keepModels = 'none' } = plan.spec;
  if (keepModels === 'none' || job.shuffle !== undefined) return undefined;
  if (keepModels === 'all') return { folder, atMost: Number.POSITIVE_INFINITY };
  const others = plan.jobs.filter(({ trial }) => trial === job.trial).map(({ key }) => storeKeys.result(key));
  const records = await Promise.all(others.map((key) => readResult(store, key)));
  const best = bestModel(records.flatMap((record) => record ?? []));
  return { folder, atMost: best ? finalLoss(best) : Number.POSITIVE_INFINITY };
}

/** A damaged record says nothing here; the aggregator finds it, and its fold is trained again. */
async function readResult(store: ArtifactStore, key: string): Promise<FoldResult | undefined> {
  const bytes = await store.get(key);
  try {
    return bytes && decodeRecord(foldResultSchema, bytes, key);
  } catch {
    return undefined;
  }
}
