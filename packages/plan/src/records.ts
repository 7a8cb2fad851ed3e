import { epochSchema, errorRecordSchema, FORMATS } from '@cryfold/core';
import { z } from 'zod';
import { hex } from './manifest.js';

/** Refers to immutable bytes in the store by key and hash. */
const artifactSchema = z.strictObject({ key: z.string(), sha256: hex });

/** `folds/<key>/result.json`: its existence marks a fold as done. Committed once and never changed. */
export const foldResultSchema = z.strictObject({
  /** Format 2 is used if any epoch of the curve has no loss on the test clips */
  format: z.literal([1, FORMATS.fold]),
  key: hex,
  attempt: z.string(),
  /** float64 npy, test rows x classes, rows sum to 1 */
  probabilities: artifactSchema,
  /** float64 npy, test rows x classes, one-vs-rest decision values; SVM only */
  decisions: artifactSchema.optional(),
  /** Files of a network (docs/models.md) if the spec keeps them. `gc` may have deleted them later */
  model: z.array(artifactSchema).optional(),
  curve: z.array(epochSchema),
  /** Share of correctly classified test clips; absent from records written by earlier versions. */
  accuracy: z.number().min(0).max(1).optional(),
  seconds: z.number(),
  /** When the attempt started; absent from records written by earlier versions. */
  started: z.iso.datetime().optional(),
  environment: z.record(z.string(), z.string()),
});
export type FoldResult = z.infer<typeof foldResultSchema>;

/**
 * Returns the fold with the lowest log-loss on its test clips, out of all folds with a model; on ties, the first one.
 */
export function bestModel(results: readonly FoldResult[]): FoldResult | undefined {
  let best: FoldResult | undefined;
  for (const result of results) {
    if (result.model && (!best || finalLoss(result) < finalLoss(best))) best = result;
  }
  return best;
}

/** Returns the log-loss on the test clips after the last epoch; infinite if there is no learning curve. */
export function finalLoss({ curve }: Pick<FoldResult, 'curve'>): number {
  return curve.at(-1)?.testLoss ?? Number.POSITIVE_INFINITY;
}

/** `runs/<run>/failures/<fold key>.json`: a fold that will not be retried in this run. */
export const foldFailureSchema = z.strictObject({
  format: z.literal(FORMATS.failure),
  key: hex,
  trial: z.string(),
  error: errorRecordSchema,
});
export type FoldFailure = z.infer<typeof foldFailureSchema>;

/** `finals/<key>/result.json`: an estimator trained on all clips. Committed once and never changed. */
export const finalResultSchema = z.strictObject({
  format: z.literal(FORMATS.final),
  key: hex,
  attempt: z.string(),
  /** Files of the network or the SVM */
  model: z.array(artifactSchema),
  seconds: z.number(),
  environment: z.record(z.string(), z.string()),
});
export type FinalResult = z.infer<typeof finalResultSchema>;

/** `runs/<run>/cancelled.json`: while this record exists, no process may work on the run. */
export const cancelledSchema = z.strictObject({
  format: z.literal(FORMATS.cancelled),
  run: z.string(),
  at: z.iso.datetime(),
});
