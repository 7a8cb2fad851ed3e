import {
  CryfoldError,
  type Decision,
  decodePlan,
  decodeRecord,
  growPlan,
  isNewer,
  LIMITS,
  type RunPlan,
  replay,
  type SearchLog,
  searchRecordSchema,
  storeKeys,
} from '@cryfold/core';
import type { ArtifactStore } from './artifact-store.js';
import { readArtifact } from './open-store.js';

export interface StoredPlan {
  /** With every trial that the sweep has begun; of other runs, the plan as it was stored */
  plan: RunPlan;
  /** As it was stored */
  base: RunPlan;
  /** Undefined for a run that is no sweep */
  search: SearchLog | undefined;
  /** Of the search's records in the store: the number of the next one */
  next: number;
}

/**
 * A run's plan, which in a sweep grows by what was decided so far.
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_TOO_LARGE, JOB_INVALID, FORMAT_NEWER
 */
export async function readRunPlan(store: ArtifactStore, run: string): Promise<StoredPlan> {
  const base = await readBasePlan(store, run);
  if (!base.spec.search) return { plan: base, base, search: undefined, next: 0 };
  const decisions: Decision[] = [];
  let next = 0;
  for (; ; next++) {
    const record = storeKeys.searchRecord(run, next);
    const bytes = await store.get(record);
    if (!bytes) break;
    decisions.push(...decodeRecord(searchRecordSchema, bytes, record).decisions);
  }
  const search = replay(decisions);
  return { plan: growPlan(base, search), base, search, next };
}

/** Looks at the size first: parsing what is too large would block everything else that the process does. */
async function readBasePlan(store: ArtifactStore, run: string): Promise<RunPlan> {
  const key = storeKeys.plan(run);
  const { bytes = 0 } = (await store.stat(key)) ?? {};
  if (bytes > LIMITS.planBytes) {
    throw new CryfoldError('ARTIFACT_TOO_LARGE', `${key}: ${bytes} bytes; a plan has at most ${LIMITS.planBytes}`, {
      context: { key, bytes, limit: LIMITS.planBytes },
      hint: `Cancel it (cryfold cancel ${run}) and submit it with fewer repeats, folds or estimators.`,
    });
  }
  return decodePlan(await readArtifact(store, key), key);
}

/**
 * Puts a record where an equal or a damaged one may be.
 * @throws CryfoldError FORMAT_NEWER where a newer cryfold's is there; it stays
 */
export async function replaceRecord(
  store: ArtifactStore,
  key: string,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array, key: string) => unknown,
): Promise<void> {
  const found = await store.get(key);
  try {
    if (found) decode(found, key);
  } catch (error) {
    if (isNewer(error)) throw error;
  }
  await store.put(key, bytes);
}
