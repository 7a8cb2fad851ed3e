import { FORMATS } from '@cryfold/core';
import { z } from 'zod';

/** Weights that determine how runs share the workers. Each priority has four times the weight of the next lower one. */
export const PRIORITIES = ['low', 'normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Maximum number of folds of a run that may train at the same time. */
export const maxParallelSchema = z.int().positive().max(100_000);

/**
 * `runs/<run>/scheduling.json`: how a run shares the workers with other runs. May change while the run is in progress.
 */
export const schedulingSchema = z.strictObject({
  format: z.literal(FORMATS.scheduling),
  priority: z.enum(PRIORITIES),
  /** Undefined: no limit */
  maxParallel: maxParallelSchema.optional(),
  /** While true, no fold of the run is started, but folds that are already training are finished */
  paused: z.boolean(),
});
export type Scheduling = Omit<z.infer<typeof schedulingSchema>, 'format'>;

/** A requested change; `maxParallel: null` removes the limit. */
export const schedulingChangeSchema = z
  .strictObject({
    priority: z.enum(PRIORITIES),
    maxParallel: maxParallelSchema.nullable(),
    paused: z.boolean(),
  })
  .partial();
export type SchedulingChange = z.infer<typeof schedulingChangeSchema>;

export function changeScheduling(scheduling: Scheduling, { maxParallel, ...change }: SchedulingChange): Scheduling {
  const { maxParallel: before, ...others } = { ...scheduling, ...change };
  const limit = maxParallel === undefined ? before : maxParallel;
  return { ...others, ...(limit == null ? {} : { maxParallel: limit }) };
}

/** Returns the initial scheduling of a run. */
export function initialScheduling(spec: {
  priority?: Priority | undefined;
  maxParallel?: number | undefined;
}): Scheduling {
  const { priority = 'normal', maxParallel } = spec;
  return { priority, ...(maxParallel === undefined ? {} : { maxParallel }), paused: false };
}

/**
 * If stopping workers return a fold this many times, an alert fires, because this is unlikely to be a coincidence.
 */
export const MANY_GIVE_BACKS = 3;
