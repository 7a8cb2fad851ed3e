import { parseRedisUrl } from '@cryfold/core';

const PREFIX = 'cryfold';

/**
 * Prefix of all keys. A Redis Cluster assigns keys to nodes by the text in braces, and a script may only use keys of
 * one node. Elsewhere there are no braces, so that queues of earlier versions are found.
 */
export function prefixOf(url: string): string {
  return parseRedisUrl(url).kind === 'cluster' ? `{${PREFIX}}` : PREFIX;
}

/** A hash of counters since Redis was last emptied. */
export const countersKey = (url: string) => `${prefixOf(url)}:counters`;

/** A hash of each worker's latest report, by worker id; next to BullMQ's keys, none of whose queues has this name. */
export const workersKey = (url: string) => `${prefixOf(url)}:workers`;

/**
 * A hash of how often stopping workers returned each job, by job id. It is in Redis rather than in the store, since it
 * describes work: if Redis is emptied, counting starts again, and no result depends on it.
 */
export const giveBacksKey = (url: string) => `${prefixOf(url)}:give-backs`;
