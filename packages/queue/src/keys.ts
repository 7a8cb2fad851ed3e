import { parseRedisUrl } from '@cryfold/core';

const PREFIX = 'cryfold';

/**
 * Prefix of all keys. A Redis Cluster assigns keys to nodes by the text in braces, and a script may only use keys of
 * one node. For other kinds of servers, the prefix has no braces, so that queues created by earlier versions are found.
 */
export function prefixOf(url: string): string {
  return parseRedisUrl(url).kind === 'cluster' ? `{${PREFIX}}` : PREFIX;
}

/** Key of a hash of counters. The counters restart at zero whenever Redis is emptied. */
export const countersKey = (url: string) => `${prefixOf(url)}:counters`;

/**
 * Key of a hash with the latest report of each worker, by worker id. It has the same prefix as BullMQ's keys, and no
 * queue has this name.
 */
export const workersKey = (url: string) => `${prefixOf(url)}:workers`;

/**
 * Key of a hash that counts how often stopping workers returned each job, by job id. The counts are in Redis rather
 * than in the store, since no result depends on them. If Redis is emptied, counting starts again.
 */
export const giveBacksKey = (url: string) => `${prefixOf(url)}:give-backs`;
