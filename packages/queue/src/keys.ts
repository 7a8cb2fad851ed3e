import { parseRedisUrl } from '@cryfold/core';

const PREFIX = 'cryfold';

/**
 * What all keys begin with. A Redis Cluster spreads keys over nodes by what stands in braces, and a script may use those
 * of one node only; elsewhere there are no braces, so that queues of earlier versions are found.
 */
export function prefixOf(url: string): string {
  return parseRedisUrl(url).kind === 'cluster' ? `{${PREFIX}}` : PREFIX;
}

/** A hash of counts since Redis was last emptied. */
export const countersKey = (url: string) => `${prefixOf(url)}:counters`;

/** A hash of what each worker reported last, by its id; beside BullMQ's keys, none of whose queues has this name. */
export const workersKey = (url: string) => `${prefixOf(url)}:workers`;

/**
 * A hash of how often stopping workers gave each job back, by the job's id. It is in Redis rather than in the store, since
 * it is about work: when Redis is emptied, counting starts again, and no result depends on it.
 */
export const giveBacksKey = (url: string) => `${prefixOf(url)}:give-backs`;
