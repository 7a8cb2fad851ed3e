import type { Connection } from './connection.js';
import { giveBacksKey } from './keys.js';

/**
 * Seconds after the last return of a job until all counts expire, in case they were not removed at the end of their
 * run.
 */
const STAY_SECONDS = 7 * 24 * 3600;

export async function noteGiveBack(redis: Connection, url: string, id: string): Promise<void> {
  const key = giveBacksKey(url);
  await redis.multi().hincrby(key, id, 1).expire(key, STAY_SECONDS).exec();
}

export async function readGiveBacks(redis: Connection, url: string): Promise<Map<string, number>> {
  const found = await redis.hgetall(giveBacksKey(url));
  return new Map(Object.entries(found).map(([id, times]) => [id, Number(times)]));
}

export async function forgetGiveBacks(redis: Connection, url: string, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await redis.hdel(giveBacksKey(url), ...ids);
}
