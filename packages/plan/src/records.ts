import { epochSchema, errorRecordSchema, FORMATS } from '@cryfold/core';
import { z } from 'zod';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** Points at immutable bytes in the store, with what they must hash to. */
const artifactSchema = z.strictObject({ key: z.string(), sha256: hex });

/** `folds/<key>/result.json`: the one record that says a fold is done. Committed once, never changed. */
export const foldResultSchema = z.strictObject({
  format: z.literal(FORMATS.fold),
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

/** Where things lie in the store (design section 4). */
export const storeKeys = {
  manifest: (dataset: string) => `datasets/${dataset}/manifest.json`,
  images: (features: string) => `features/${features}/images.npy`,
  gram: (features: string) => `features/${features}/gram.npy`,
  gramRows: (features: string) => `features/${features}/gram-rows.json`,
  /** Names the features whose Gram matrix was written last, for images of so many columns */
  latestGram: (columns: number) => `features/latest-gram-${columns}.json`,
  moments: (features: string) => `features/${features}/moments.npy`,
  embeddings: (features: string, key: string) => `features/${features}/embeddings-${key}.npy`,
  /** What training an estimator on all clips made: see `finalKey` */
  final: (key: string) => `finals/${key}/result.json`,
  finalRequest: (key: string) => `finals/${key}/request.json`,
  finalAttempt: (key: string, attempt: string) => `finals/${key}/${attempt}/`,
  weights: (hash: string) => `weights/${hash}.h5`,
  result: (fold: string) => `folds/${fold}/result.json`,
  attempt: (fold: string, attempt: string, file: string) => `folds/${fold}/${attempt}/${file}`,
  checkpoint: (fold: string) => `folds/${fold}/checkpoint/state.safetensors`,
  /** What was said during an attempt, failed or not */
  log: (fold: string, attempt: string) => `folds/${fold}/${attempt}/log.txt`,
  plan: (run: string) => `runs/${run}/plan.json`,
  search: (run: string) => `runs/${run}/search/`,
  searchRecord: (run: string, number: number) => `runs/${run}/search/${String(number).padStart(6, '0')}.json`,
  results: (run: string) => `runs/${run}/results.json`,
  outOfFold: (run: string) => `runs/${run}/out-of-fold.csv`,
  cancelled: (run: string) => `runs/${run}/cancelled.json`,
  failures: (run: string) => `runs/${run}/failures/`,
  failure: (run: string, fold: string) => `runs/${run}/failures/${fold}.json`,
} as const;
