import { decodeRecord } from '@cryfold/core';
import { type FinalResult, finalResultSchema, storeKeys } from '@cryfold/plan';
import type { ArtifactStore } from './artifact-store.js';

/** An estimator that was trained on all clips, by its key; undefined where nobody did yet. */
export async function readFinal(store: ArtifactStore, key: string): Promise<FinalResult | undefined> {
  const bytes = await store.get(storeKeys.final(key));
  return bytes && decodeRecord(finalResultSchema, bytes, storeKeys.final(key));
}
