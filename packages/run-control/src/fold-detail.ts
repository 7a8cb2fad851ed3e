import { accuracy, argmaxRows, confusionMatrix } from '@cryfold/evaluation';
import type { DatasetManifest, FoldJob, RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { z } from 'zod';
import { foldLog, foldLogSchema } from './logs.js';

export const foldDetailSchema = foldLogSchema.extend({
  shuffle: z.int().nullable(),
  queue: z.string(),
  /** Accuracy on the test clips; null if there is no result */
  accuracy: z.number().nullable(),
  /** Number of test clips, by true class x predicted class */
  confusion: z.object({ classes: z.array(z.string()), counts: z.array(z.array(z.int())) }).nullable(),
  failure: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
  environment: z.record(z.string(), z.string()),
  started: z.string().nullable(),
  /** Keys of the artifacts of the committed attempt */
  artifacts: z.array(z.string()),
});
export type FoldDetail = z.infer<typeof foldDetailSchema>;

/**
 * Reads everything about a fold from the store.
 * @param manifestOf reads the manifest of a plan's dataset; only called if there is a result
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT
 */
export async function foldDetail(
  { folds, runs }: RunStore,
  plan: RunPlan,
  job: FoldJob,
  manifestOf: (plan: RunPlan) => Promise<DatasetManifest>,
): Promise<FoldDetail> {
  const result = await folds.result(job.key);
  const log = await foldLog(folds, plan, job, result);
  const error = result ? undefined : (await runs.failure(plan.run, job.key))?.error;
  const counts = result && confusionOf(await manifestOf(plan), plan, job, await folds.scores(result));
  return {
    ...log,
    shuffle: job.shuffle ?? null,
    queue: job.queue,
    accuracy: counts ? accuracy(counts) : null,
    confusion: counts ? { classes: plan.dataset.classes, counts } : null,
    failure: error ? { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) } : null,
    environment: result?.environment ?? {},
    started: result?.started ?? null,
    artifacts: result ? folds.keysOf(result) : [],
  };
}

/** Number of a fold's test clips, by true class x predicted class. */
function confusionOf(manifest: DatasetManifest, plan: RunPlan, job: FoldJob, scores: Float64Array): number[][] {
  const { classes } = plan.dataset;
  const truth = plan.splits[job.split].test.map((clip) => classes.indexOf(manifest.clips[clip].label));
  return confusionMatrix(truth, argmaxRows(scores, classes.length), classes.length);
}
