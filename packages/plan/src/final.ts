import { FORMATS } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import { z } from 'zod';
import { hex } from './manifest.js';
import { finalKey, type RunPlan, settingsOf } from './plan.js';
import { isLaterEstimator } from './plan-format.js';
import { prerequisiteOf } from './prerequisites.js';

/** `finals/<key>/request.json`: everything that is needed to train an estimator on all clips. */
export const finalRequestSchema = z.strictObject({
  /**
   * Format 2 is used if the request needs something that format 1 does not support: vectors, decibels, or a newer kind
   * or option of an estimator
   */
  format: z.literal([1, FORMATS.finalRequest]),
  key: hex,
  dataset: hex,
  features: hex,
  /** Key of the additional vectors that the estimator reads */
  vectors: hex.optional(),
  /** For images: the range of decibels that their colours cover; 120 if absent */
  decibels: z.number().positive().optional(),
  clips: z.int().min(1),
  estimator: estimatorSchema,
  threads: z.int().min(1),
  xla: z.boolean(),
  /** Whether inner folds keep groups together */
  grouped: z.boolean(),
  /** The prerequisite to compute before the training, unless it already exists */
  needed: z.strictObject({ kind: z.string(), artifact: z.string() }).optional(),
});
export type FinalRequest = z.infer<typeof finalRequestSchema>;

/** @param trial one of the plan's estimators */
export function finalRequest(plan: RunPlan, trial: string): FinalRequest {
  const needed = prerequisiteOf(plan, trial);
  const { featureKey, vectorsKey, produces, decibels, threads, xla, grouped } = settingsOf(plan, trial);
  const estimator = plan.spec.estimators[trial];
  const laterInput = vectorsKey !== undefined || produces === 'vectors' || decibels !== undefined;
  return {
    format: laterInput || isLaterEstimator(estimator) ? FORMATS.finalRequest : 1,
    key: finalKey(plan, trial),
    dataset: plan.dataset.key,
    features: featureKey,
    ...(vectorsKey !== undefined && { vectors: vectorsKey }),
    ...(decibels !== undefined && { decibels }),
    clips: plan.dataset.clips,
    estimator,
    threads,
    xla,
    grouped,
    ...(needed && { needed: { kind: needed.kind, artifact: needed.artifact } }),
  };
}
