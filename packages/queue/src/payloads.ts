import { FORMATS } from '@cryfold/core';
import { z } from 'zod';

const run = z.string().regex(/^[a-z0-9][a-z0-9-]*$/);
const hex = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * The queues by name. Jobs of folds are in `gpu` and `cpu`; the coordinator takes jobs from `runs`, and the aggregator
 * from `aggregate`.
 */
export const QUEUE_NAMES = ['runs', 'gpu', 'cpu', 'aggregate'] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

/** Coordinates or aggregates a run; the job's id is the run's id. */
export const runPayload = z.strictObject({ format: z.literal(FORMATS.job), kind: z.literal('run'), run });

/** Trains and predicts one fold; the job's id is the fold's key. The run's plan in the store has the details. */
const foldPayload = z.strictObject({ format: z.literal(FORMATS.job), kind: z.literal('fold'), run, key: hex });

/** Computes an artifact that all folds of a trial need (see `prerequisiteOf` in @cryfold/plan). */
const preparePayload = z.strictObject({
  format: z.literal(FORMATS.job),
  kind: z.literal('prepare'),
  run,
  trial: z.string(),
});

/** Trains an estimator on all clips of a run's data; `finals/<key>/request.json` in the store has the details. */
const finalPayload = z.strictObject({
  format: z.literal(FORMATS.job),
  kind: z.literal('final'),
  run,
  trial: z.string(),
  key: hex,
});

export const workPayload = z.discriminatedUnion('kind', [foldPayload, preparePayload, finalPayload]);

export type RunPayload = z.infer<typeof runPayload>;
export type FoldPayload = z.infer<typeof foldPayload>;
export type WorkPayload = z.infer<typeof workPayload>;
export type Payload = RunPayload | WorkPayload;
