import { type ArtifactStore, readArtifact, storeKeys } from '@cryfold/artifacts';
import { decodeNpy, decodeRecord } from '@cryfold/core';
import { accuracy, argmaxRows, confusionMatrix } from '@cryfold/evaluation';
import {
  type DatasetManifest,
  decodeManifest,
  type FoldJob,
  type FoldResult,
  foldFailureSchema,
  type RunPlan,
} from '@cryfold/plan';
import { z } from 'zod';
import { foldLog, foldLogSchema, readResult } from './logs.js';

export const foldDetailSchema = foldLogSchema.extend({
  shuffle: z.int().nullable(),
  queue: z.string(),
  /** Of the test clips; null while there is no result */
  accuracy: z.number().nullable(),
  /** Counts of test clips, true class x predicted class */
  confusion: z.object({ classes: z.array(z.string()), counts: z.array(z.array(z.int())) }).nullable(),
  failure: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
  environment: z.record(z.string(), z.string()),
  started: z.string().nullable(),
  /** Keys of what the committed attempt left in the store */
  artifacts: z.array(z.string()),
});
export type FoldDetail = z.infer<typeof foldDetailSchema>;

/**
 * Everything that the store knows of a fold.
 * @param manifestOf the manifest of a plan's dataset; asked for only where there is a result
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT
 */
export async function foldDetail(
  store: ArtifactStore,
  plan: RunPlan,
  job: FoldJob,
  manifestOf: (plan: RunPlan) => Promise<DatasetManifest>,
): Promise<FoldDetail> {
  const result = await readResult(store, job);
  const log = await foldLog(store, plan, job, result);
  const failureKey = storeKeys.failure(plan.run, job.key);
  const failed = result ? undefined : await store.get(failureKey);
  const error = failed && decodeRecord(foldFailureSchema, failed, failureKey).error;
  const counts = result && confusionOf(await manifestOf(plan), plan, job, await readScores(store, result));
  return {
    ...log,
    shuffle: job.shuffle ?? null,
    queue: job.queue,
    accuracy: counts ? accuracy(counts) : null,
    confusion: counts ? { classes: plan.dataset.classes, counts } : null,
    failure: error ? { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) } : null,
    environment: result?.environment ?? {},
    started: result?.started ?? null,
    artifacts: result ? artifactsOf(result) : [],
  };
}

function artifactsOf({ key, probabilities, decisions, model = [] }: FoldResult): string[] {
  return [storeKeys.result(key), probabilities.key, ...(decisions ? [decisions.key] : []), ...model.map((m) => m.key)];
}

export async function readManifest(store: ArtifactStore, dataset: string): Promise<DatasetManifest> {
  const key = storeKeys.manifest(dataset);
  return decodeManifest(await readArtifact(store, key), key);
}

/** What a fold's classes are predicted by: decision values where there are some, as the aggregator does. */
export async function readScores(store: ArtifactStore, result: FoldResult): Promise<Float64Array> {
  const { key, sha256 } = result.decisions ?? result.probabilities;
  return decodeNpy(await readArtifact(store, key, sha256), '<f8', 2, key).data;
}

/** Counts of a fold's test clips, true class x predicted class. */
export function confusionOf(manifest: DatasetManifest, plan: RunPlan, job: FoldJob, scores: Float64Array): number[][] {
  const { classes } = plan.dataset;
  const truth = plan.splits[job.split].test.map((clip) => classes.indexOf(manifest.clips[clip].label));
  return confusionMatrix(truth, argmaxRows(scores, classes.length), classes.length);
}
