import { epochSchema, errorRecordSchema, FORMATS } from '@cryfold/core';
import { z } from 'zod';
import { hex } from './manifest.js';

/** Points at immutable bytes in the store, with what they must hash to. */
const artifactSchema = z.strictObject({ key: z.string(), sha256: hex });

/** `folds/<key>/result.json`: the one record that says a fold is done. Committed once, never changed. */
export const foldResultSchema = z.strictObject({
  /** 2 where an epoch of the curve knows nothing of the test clips */
  format: z.literal([1, FORMATS.fold]),
  key: hex,
  attempt: z.string(),
  /** float64 npy, test rows x classes, rows sum to 1 */
  probabilities: artifactSchema,
  /** float64 npy, test rows x classes, one-vs-rest decision values; the SVM only */
  decisions: artifactSchema.optional(),
  /** A network's files (docs/models.md), where the spec asked to keep them; `gc` may have deleted them since */
  model: z.array(artifactSchema).optional(),
  curve: z.array(epochSchema),
  /** Share of the test clips whose class was predicted; absent from records of earlier versions. */
  accuracy: z.number().min(0).max(1).optional(),
  seconds: z.number(),
  /** When the attempt began; absent from records of earlier versions. */
  started: z.iso.datetime().optional(),
  environment: z.record(z.string(), z.string()),
});
export type FoldResult = z.infer<typeof foldResultSchema>;

/** The fold of least log-loss on its test clips among those with a model, the first of equals. */
export function bestModel(results: readonly FoldResult[]): FoldResult | undefined {
  let best: FoldResult | undefined;
  for (const result of results) {
    if (result.model && (!best || finalLoss(result) < finalLoss(best))) best = result;
  }
  return best;
}

/** Log-loss on the test clips after the last epoch; infinite where there is no learning curve. */
export function finalLoss({ curve }: Pick<FoldResult, 'curve'>): number {
  return curve.at(-1)?.testLoss ?? Number.POSITIVE_INFINITY;
}

/** `runs/<run>/failures/<fold key>.json`: a fold that will not be tried again in this run. */
export const foldFailureSchema = z.strictObject({
  format: z.literal(FORMATS.failure),
  key: hex,
  trial: z.string(),
  error: errorRecordSchema,
});
export type FoldFailure = z.infer<typeof foldFailureSchema>;

/** `finals/<key>/result.json`: an estimator trained on all clips. Committed once, never changed. */
export const finalResultSchema = z.strictObject({
  format: z.literal(FORMATS.final),
  key: hex,
  attempt: z.string(),
  /** The files of the network or the SVM */
  model: z.array(artifactSchema),
  seconds: z.number(),
  environment: z.record(z.string(), z.string()),
});
export type FinalResult = z.infer<typeof finalResultSchema>;

/** `runs/<run>/cancelled.json`: nobody may work on this run until the record is gone. */
export const cancelledSchema = z.strictObject({
  format: z.literal(FORMATS.cancelled),
  run: z.string(),
  at: z.iso.datetime(),
});
