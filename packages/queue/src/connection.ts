import { CryfoldError, parseRedisUrl, type RedisAddress, redactUrl } from '@cryfold/core';
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { FreshCluster, FreshRedis } from './fresh-redis.js';
import { type RedisFacts, refuseClusterNode, refuseReplica, requireFit } from './redis-fitness.js';

/** A connection to one server, also to the one that Sentinels name, or to all nodes of a Redis Cluster. */
export type Connection = Redis | Cluster;

export interface ConnectOptions {
  /**
   * Blocking users wait for a lost server; others fail at once, so that an outage never makes a producer hang.
   */
  use: 'blocking' | 'failing';
  /** Called each time that a lost connection is there again */
  onReconnect?: (() => void) | undefined;
  /** Called with each answer that made it connect again, which the command itself may never see */
  onRefused?: ((error: Error) => void) | undefined;
}

/** Milliseconds before connecting again: doubled with each try, between these two. */
const RETRY_MS = { least: 200, most: 2000 };
/** Milliseconds without a refusal after which connecting again is quick once more. */
const CALM_MS = 10_000;

const retryMs = (times: number) => Math.min(RETRY_MS.least * 2 ** Math.min(times - 1, 10), RETRY_MS.most);

/**
 * Connects to what `parseRedisUrl` reads.
 * @throws CryfoldError USAGE where the URL is none of a Redis
 */
export function connect(url: string, { use, onReconnect, onRefused }: ConnectOptions): Connection {
  let refusals = 0;
  let refused = 0;
  const redis = open(parseRedisUrl(url), {
    maxRetriesPerRequest: use === 'blocking' ? null : 1,
    enableOfflineQueue: use === 'blocking',
    // A connection can be dead without either side knowing (a NAT that forgot it): found by scripts/chaos, where an
    // aggregator waited for ever. BullMQ's blocking commands answer within 10 s, so this long a silence means that.
    socketTimeout: 15_000,
    // ioredis starts to count again with each connection, and a demoted primary accepts connections.
    retryStrategy: (times) => retryMs(Math.max(times, refusals)),
    // After a failover the old connection leads to what is now a replica. A command that it refused has changed nothing.
    reconnectOnError: (error) => {
      // Of a script, Redis before 7 says so at the end: ERR Error running script (call to ...): ...: -READONLY ...
      if (!/^(ERR .*-)?READONLY /.test(error.message)) return false;
      refusals = Date.now() - refused < CALM_MS ? refusals + 1 : 1;
      refused = Date.now();
      onRefused?.(error);
      return use === 'blocking' ? 2 : 1;
    },
  });
  // Reconnection is ioredis's task; without a listener it would print every attempt.
  redis.on('error', () => {});
  redis.once('ready', () => redis.on('ready', () => onReconnect?.()));
  return redis;
}

/** Opens a connection with the same behaviour whatever kind of Redis an address names. */
function open(address: RedisAddress, options: RedisOptions): Connection {
  if (address.kind === 'single') return new FreshRedis(address.url, options);
  const { username, password } = address;
  const secured = {
    ...options,
    ...(username && { username }),
    ...(password && { password }),
    ...(address.tls && { tls: {} }),
  };
  if (address.kind === 'sentinel') {
    const { sentinels, name, db, sentinelPassword, passwordFile, tls } = address;
    // With ioredis's own strategy it asks all Sentinels again after 10 ms.
    const sentinelRetryStrategy: RedisOptions['sentinelRetryStrategy'] = (times) => options.retryStrategy?.(times);
    const sentinel: RedisOptions = { sentinels, name, db, sentinelRetryStrategy, enableTLSForSentinelMode: tls };
    return new FreshRedis({
      ...{ ...secured, ...sentinel },
      ...(passwordFile && { passwordFile }),
      ...(tls && { sentinelTLS: {} }),
      ...(sentinelPassword && { sentinelPassword }),
    });
  }
  const { enableOfflineQueue, lazyConnect, retryStrategy, ...redisOptions } = secured;
  const { passwordFile } = address;
  return new FreshCluster(address.nodes, {
    ...(passwordFile && { passwordFile }),
    ...{ enableOfflineQueue, lazyConnect, redisOptions },
    clusterRetryStrategy: retryStrategy as ClusterOptions['clusterRetryStrategy'],
    // Nodes behind TLS are certified by name, which ioredis would replace with an address.
    ...(address.tls && { dnsLookup: (host, callback) => callback(null, host) }),
  });
}

/**
 * Answers Redis's version, or says why not within `timeoutMs` milliseconds.
 * @throws CryfoldError REDIS_UNREACHABLE, REDIS_UNSAFE; USAGE where the URL is none of a Redis
 */
export async function checkRedis(url: string, timeoutMs = 3000): Promise<string> {
  const info = await ask(url, timeoutMs, (redis) => redis.info());
  refuseReplica(info, url);
  refuseClusterNode(info, url);
  return requireFit(info).version;
}

/**
 * As `checkRedis`, with what an operator should know about it.
 * @throws CryfoldError REDIS_UNREACHABLE, REDIS_UNSAFE, USAGE
 */
export async function inspectRedis(url: string, timeoutMs = 3000): Promise<RedisFacts> {
  const found = await ask(url, timeoutMs, async (redis) => {
    // Managed servers refuse CONFIG.
    const setting = (name: string) =>
      redis.config('GET', name).then(
        (answer) => (answer as string[])[1],
        () => undefined,
      );
    return { info: await redis.info(), policy: await setting('maxmemory-policy'), save: await setting('save') };
  });
  refuseReplica(found.info, url);
  refuseClusterNode(found.info, url);
  const { version, warnings } = requireFit(found.info, found.policy);
  const isKept = /^aof_enabled:1/m.test(found.info) || (found.save ?? '') !== '';
  if (!isKept) warnings.push(found.save === undefined ? UNKNOWN_PERSISTENCE : NO_PERSISTENCE);
  return { version, warnings };
}

const NO_PERSISTENCE =
  'It keeps nothing on disk (appendonly no, no save): after a restart its queues are empty until coordinators fill them again.';
const UNKNOWN_PERSISTENCE =
  'Whether it keeps its data on disk is not known: it has no append-only file, and CONFIG is refused.';

/** Asks a Redis over a connection of its own. @throws CryfoldError USAGE, REDIS_UNREACHABLE */
async function ask<T>(url: string, timeoutMs: number, question: (redis: Connection) => Promise<T>): Promise<T> {
  const redis = open(parseRedisUrl(url), { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  let reason: string | undefined;
  redis.on('error', (error: Error) => {
    reason = reasonOf(error);
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reason ??= `no answer within ${timeoutMs} ms`;
      // A Redis Cluster whose nodes announce addresses that do not exist never ends its attempt to connect.
      reject(new Error(reason));
    }, timeoutMs);
  });
  try {
    return await Promise.race([redis.connect().then(() => question(redis)), late]);
  } catch (cause) {
    // The reply to a command is no event of the connection.
    const why = reason ?? (cause as Error).message;
    throw new CryfoldError('REDIS_UNREACHABLE', `Redis at ${redactUrl(url)}: ${why}`, {
      cause,
      context: { url: redactUrl(url) },
      hint: /^(WRONGPASS|NOAUTH|NOPERM)/.test(why)
        ? 'Check user and password in REDIS_URL, or the file that REDIS_PASSWORD_FILE names.'
        : 'Start it, or set REDIS_URL to one that runs (redis://user:password@host:port, rediss:// for TLS).',
    });
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

/** Of a cluster's error, what the last node said. */
function reasonOf(error: Error & { lastNodeError?: Error }): string {
  return error.lastNodeError?.message ?? error.message;
}
