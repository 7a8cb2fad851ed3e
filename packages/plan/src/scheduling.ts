import { FORMATS } from '@cryfold/core';
import { z } from 'zod';

/** Weight of a run's share of the workers. Each step is worth four times the previous one. */
export const PRIORITIES = ['low', 'normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Maximum number of folds of a run in training at the same time. */
export const maxParallelSchema = z.int().positive().max(100_000);

/** `runs/<run>/scheduling.json`: how a run shares the workers. It may change while the run is driven. */
export const schedulingSchema = z.strictObject({
  format: z.literal(FORMATS.scheduling),
  priority: z.enum(PRIORITIES),
  /** Undefined for no limit */
  maxParallel: maxParallelSchema.optional(),
  /** While true, no fold of the run is started; folds in training finish */
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

/** The initial scheduling of a run. */
export function initialScheduling(spec: {
  priority?: Priority | undefined;
  maxParallel?: number | undefined;
}): Scheduling {
  const { priority = 'normal', maxParallel } = spec;
  return { priority, ...(maxParallel === undefined ? {} : { maxParallel }), paused: false };
}

/**
 * Number of returns of one fold by stopping workers from which they are no longer considered a coincidence; an alert
 * fires as well.
 */
export const MANY_GIVE_BACKS = 3;
