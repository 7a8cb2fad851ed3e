import { FORMATS } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import { isGrouped } from '@cryfold/evaluation';
import { z } from 'zod';
import { featureKeyOf, finalKey, type RunPlan } from './plan.js';
import { prerequisiteOf } from './prerequisites.js';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** `finals/<key>/request.json`: all that training an estimator on all clips needs to know. */
export const finalRequestSchema = z.strictObject({
  format: z.literal(FORMATS.final),
  key: hex,
  dataset: hex,
  features: hex,
  clips: z.int().min(1),
  estimator: estimatorSchema,
  threads: z.int().min(1),
  xla: z.boolean(),
  /** Whether inner folds keep groups whole */
  grouped: z.boolean(),
  /** What is computed first, unless it is there */
  needed: z.strictObject({ kind: z.string(), artifact: z.string() }).optional(),
});
export type FinalRequest = z.infer<typeof finalRequestSchema>;

/** @param trial one of the plan's estimators */
export function finalRequest(plan: RunPlan, trial: string): FinalRequest {
  const needed = prerequisiteOf(plan, trial);
  return {
    format: FORMATS.final,
    key: finalKey(plan, trial),
    dataset: plan.dataset.key,
    features: featureKeyOf(plan, trial),
    clips: plan.dataset.clips,
    estimator: plan.spec.estimators[trial],
    threads: plan.spec.threads,
    xla: plan.spec.xla ?? false,
    grouped: isGrouped(plan.spec.protocol.splitter),
    ...(needed && { needed: { kind: needed.kind, artifact: needed.artifact } }),
  };
}
