import { CryfoldError, parseRedisUrl, redactUrl } from '@cryfold/core';
import { RedisConnection } from 'bullmq';

export interface RedisFacts {
  /** Version of the server, with the name of the product if it is not Redis */
  version: string;
  /** Problems that do not prevent use, one sentence each */
  warnings: string[];
}

const olderThan = (version: string, least: string) => {
  const [a, b] = [version, least].map((text) => text.split('.').map(Number));
  const at = b.findIndex((part, i) => part !== (a[i] ?? 0));
  return at >= 0 && (a[at] ?? 0) < b[at];
};

/**
 * Checks, based on Redis's INFO, whether Redis is suitable for queues.
 * @param policy eviction policy to assume if INFO does not contain it
 * @throws CryfoldError REDIS_UNSAFE if jobs could be lost or BullMQ would not work
 */
export function requireFit(info: string, policy?: string): RedisFacts {
  const member = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const unsafe = (why: string, hint: string) => new CryfoldError('REDIS_UNSAFE', `Redis ${why}`, { hint });
  const warnings: string[] = [];
  const version = member('redis_version');
  // Products that are compatible with Redis report in this field which version of Redis they are compatible with.
  const other = ['valkey', 'dragonfly'].find((name) => member(`${name}_version`) !== undefined);
  const { minimumVersion, recommendedMinimumVersion } = RedisConnection;
  if (version === undefined) warnings.push('The version of Redis is unknown, because INFO does not contain it.');
  else if (!other && olderThan(version, minimumVersion)) {
    throw unsafe(
      `${version} is too old: BullMQ needs ${minimumVersion}`,
      `Use Redis ${recommendedMinimumVersion} or later, or Valkey.`,
    );
  } else if (!other && olderThan(version, recommendedMinimumVersion)) {
    warnings.push(`BullMQ recommends Redis ${recommendedMinimumVersion} or later.`);
  }
  const evicts = member('maxmemory_policy') ?? policy;
  if (evicts === undefined) {
    warnings.push('The eviction policy of Redis is unknown, because INFO does not contain it. It must be noeviction.');
  } else if (evicts !== 'noeviction') {
    throw unsafe(
      `has the eviction policy ${evicts} and may delete jobs when its memory is full`,
      'Run redis-cli config set maxmemory-policy noeviction, and set maxmemory-policy noeviction in redis.conf.',
    );
  }
  const named = other ? `${other} ${member(`${other}_version`)}` : (version ?? 'unknown');
  return { version: named, warnings };
}

/**
 * Rejects a node of a Redis Cluster that was configured as a single server. Keys for a single server lack the hash tag
 * that a cluster needs, so the keys of one queue would be spread over several nodes.
 * @throws CryfoldError REDIS_UNSAFE
 */
export function refuseClusterNode(info: string, url: string): void {
  if (!/^cluster_enabled:1/m.test(info) || parseRedisUrl(url).kind === 'cluster') return;
  throw new CryfoldError('REDIS_UNSAFE', `Redis at ${redactUrl(url)} is a node of a Redis Cluster`, {
    context: { url: redactUrl(url) },
    hint: 'Set REDIS_URL to redis+cluster://user:password@host:port,host:port.',
  });
}

/**
 * Rejects a replica, which cannot take jobs. Services retry after this error, since the server may soon become the
 * primary again.
 * @throws CryfoldError REDIS_UNREACHABLE
 */
export function refuseReplica(info: string, url: string): void {
  // In a Redis Cluster, any node may reply, including a replica.
  if (!/^role:slave/m.test(info) || parseRedisUrl(url).kind === 'cluster') return;
  throw new CryfoldError('REDIS_UNREACHABLE', `Redis at ${redactUrl(url)} is a replica`, {
    context: { url: redactUrl(url) },
    hint: 'Set REDIS_URL to the address of the primary, or to redis+sentinel://HOST:PORT/NAME.',
  });
}
