import { decodeRecord } from '@cryfold/core';
import type { ArtifactStore } from '@cryfold/store';
import { z } from 'zod';
import { MODEL_NAME, modelKeys } from './registry.js';

const RETRAIN_OUTCOMES = ['promoted', 'unchanged', 'refused', 'lost', 'incomplete', 'cancelled'] as const;

/**
 * `models/<name>/last-retrain.json`: outcome of the last `cryfold retrain`. docs/final-models.md describes the evidence
 * that it contains.
 */
export const retrainRecordSchema = z.looseObject({
  format: z.literal(1),
  at: z.iso.datetime(),
  model: z.string().regex(MODEL_NAME),
  outcome: z.enum(RETRAIN_OUTCOMES),
  reason: z.string().max(10_000),
  /** The champion after the command, as far as the command knows */
  champion: z
    .string()
    .regex(/^[0-9a-f]{12}$/)
    .nullable(),
  evidence: z.looseObject({ data: z.looseObject({ clips: z.int().nonnegative() }) }),
});
export type RetrainRecord = z.infer<typeof retrainRecordSchema>;

/** Reads the outcome of the last retraining of a model, if any. @throws CryfoldError JOB_INVALID, FORMAT_NEWER */
export async function readLastRetrain(store: ArtifactStore, model: string): Promise<RetrainRecord | undefined> {
  const key = modelKeys.lastRetrain(model);
  const bytes = await store.get(key);
  return bytes && decodeRecord(retrainRecordSchema, bytes, key);
}
