import { FORMATS } from '@cryfold/core';
import { z } from 'zod';

/** How large a run's share of the workers is beside other runs'. Each step is worth four times the one before it. */
export const PRIORITIES = ['low', 'normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Most folds that a run may have in training at once. */
export const maxParallelSchema = z.int().positive().max(100_000);

/** `runs/<run>/scheduling.json`: how a run shares the workers. It may change while the run is driven. */
export const schedulingSchema = z.strictObject({
  format: z.literal(FORMATS.scheduling),
  priority: z.enum(PRIORITIES),
  /** Undefined for no limit */
  maxParallel: maxParallelSchema.optional(),
  /** While true, no fold of the run is started; those that train end */
  paused: z.boolean(),
});
export type Scheduling = Omit<z.infer<typeof schedulingSchema>, 'format'>;

/** What somebody asks to be changed of it; `maxParallel: null` takes the limit away. */
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

/** What a run starts with. */
export function initialScheduling(spec: {
  priority?: Priority | undefined;
  maxParallel?: number | undefined;
}): Scheduling {
  const { priority = 'normal', maxParallel } = spec;
  return { priority, ...(maxParallel === undefined ? {} : { maxParallel }), paused: false };
}

/** Give-backs of one fold by stopping workers from which on they are no coincidence; an alert fires as well. */
export const MANY_GIVE_BACKS = 3;
