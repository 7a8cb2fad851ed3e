import type { Redis } from 'ioredis';

/**
 * A hash of how often stopping workers gave each job back, by the job's id; beside BullMQ's keys, none of whose queues has
 * this name. It is in Redis rather than in the store, since it says something about work: when Redis is emptied, counting
 * starts again, and no result depends on it.
 */
const GIVE_BACKS = 'cryfold:give-backs';

/** Seconds after the last give-back of any job for which counts stay: what no run's end has removed must leave some day. */
const STAY_SECONDS = 7 * 24 * 3600;

export async function noteGiveBack(redis: Redis, id: string): Promise<void> {
  await redis.multi().hincrby(GIVE_BACKS, id, 1).expire(GIVE_BACKS, STAY_SECONDS).exec();
}

export async function readGiveBacks(redis: Redis): Promise<Map<string, number>> {
  const found = await redis.hgetall(GIVE_BACKS);
  return new Map(Object.entries(found).map(([id, times]) => [id, Number(times)]));
}

export async function forgetGiveBacks(redis: Redis, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await redis.hdel(GIVE_BACKS, ...ids);
}
