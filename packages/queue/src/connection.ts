import { CryfoldError, parseRedisUrl, type RedisAddress, redactUrl } from '@cryfold/core';
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { FreshCluster, FreshRedis } from './fresh-redis.js';
import { type RedisFacts, refuseClusterNode, refuseReplica, requireFit } from './redis-fitness.js';

/** A connection to one server (possibly found through Sentinels), or to all nodes of a Redis Cluster. */
export type Connection = Redis | Cluster;

export interface ConnectOptions {
  /**
   * What commands do while the server is unavailable: with `blocking`, they wait; with `failing`, they fail
   * immediately, so that an outage never blocks a producer.
   */
  use: 'blocking' | 'failing';
  /** Called each time a lost connection is restored */
  onReconnect?: (() => void) | undefined;
  /**
   * Called with each error reply that triggers a reconnect, because the caller of the command may never receive the
   * reply
   */
  onRefused?: ((error: Error) => void) | undefined;
}

/** Minimum and maximum milliseconds before reconnecting; the delay doubles with each attempt. */
const RETRY_MS = { least: 200, most: 2000 };
/** Milliseconds without a rejection after which the delay before reconnecting is reset. */
const CALM_MS = 10_000;

const retryMs = (times: number) => Math.min(RETRY_MS.least * 2 ** Math.min(times - 1, 10), RETRY_MS.most);

/**
 * Connects to an address parsed by `parseRedisUrl`.
 * @throws CryfoldError USAGE if the URL is not the address of a Redis server
 */
export function connect(url: string, { use, onReconnect, onRefused }: ConnectOptions): Connection {
  let refusals = 0;
  let refused = 0;
  const redis = open(parseRedisUrl(url), {
    maxRetriesPerRequest: use === 'blocking' ? null : 1,
    enableOfflineQueue: use === 'blocking',
    // A connection can be dead without either side noticing, for example if a NAT dropped it; scripts/chaos found an
    // aggregator that waited forever. BullMQ's blocking commands return within 10 s, so a longer silence means a dead
    // connection.
    socketTimeout: 15_000,
    // ioredis resets its own count of attempts whenever it connects, so that count does not grow for a demoted primary,
    // which still accepts connections.
    retryStrategy: (times) => retryMs(Math.max(times, refusals)),
    // After a failover, the old connection leads to a server that is now a replica. A command that the replica rejects
    // has had no effect, and can be repeated.
    reconnectOnError: (error) => {
      // Redis versions before 7 append READONLY to the error of a script: ERR Error running script (call to ...): ...:
      // -READONLY ...
      if (!/^(ERR .*-)?READONLY /.test(error.message)) return false;
      refusals = Date.now() - refused < CALM_MS ? refusals + 1 : 1;
      refused = Date.now();
      onRefused?.(error);
      return use === 'blocking' ? 2 : 1;
    },
  });
  // ioredis reconnects by itself; without a listener it would print every failed attempt.
  redis.on('error', () => {});
  redis.once('ready', () => redis.on('ready', () => onReconnect?.()));
  return redis;
}

/** Opens a connection that behaves the same for every kind of Redis address. */
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
    // ioredis's default strategy would query all Sentinels again after 10 ms.
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
    // The TLS certificates of nodes are issued for host names, but ioredis would resolve these names to addresses.
    ...(address.tls && { dnsLookup: (host, callback) => callback(null, host) }),
  });
}

/**
 * Returns the version of Redis; if Redis does not respond, throws after at most `timeoutMs` milliseconds.
 * @throws CryfoldError REDIS_UNREACHABLE, REDIS_UNSAFE; USAGE if the URL is not the address of a Redis server
 */
export async function checkRedis(url: string, timeoutMs = 3000): Promise<string> {
  const info = await ask(url, timeoutMs, (redis) => redis.info());
  refuseReplica(info, url);
  refuseClusterNode(info, url);
  return requireFit(info).version;
}

/**
 * Like `checkRedis`, but returns everything that an operator should know about the server.
 * @throws CryfoldError REDIS_UNREACHABLE, REDIS_UNSAFE, USAGE
 */
export async function inspectRedis(url: string, timeoutMs = 3000): Promise<RedisFacts> {
  const found = await ask(url, timeoutMs, async (redis) => {
    // Managed servers reject the CONFIG command.
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
  'Redis saves nothing to disk (appendonly no, no save), so after a restart its queues are empty until coordinators fill them again.';
const UNKNOWN_PERSISTENCE =
  'It is unknown whether Redis saves its data to disk, because it has no append-only file and rejects CONFIG.';

/** Queries Redis over a separate connection. @throws CryfoldError USAGE, REDIS_UNREACHABLE */
async function ask<T>(url: string, timeoutMs: number, question: (redis: Connection) => Promise<T>): Promise<T> {
  const redis = open(parseRedisUrl(url), { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  let reason: string | undefined;
  redis.on('error', (error: Error) => {
    reason = reasonOf(error);
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reason ??= `no response within ${timeoutMs} ms`;
      // The client would try to connect forever if the nodes of a Redis Cluster announce addresses that do not exist.
      reject(new Error(reason));
    }, timeoutMs);
  });
  try {
    return await Promise.race([redis.connect().then(() => question(redis)), late]);
  } catch (cause) {
    // The connection does not emit an event for an error reply to a command.
    const why = reason ?? (cause as Error).message;
    throw new CryfoldError('REDIS_UNREACHABLE', `Redis at ${redactUrl(url)}: ${why}`, {
      cause,
      context: { url: redactUrl(url) },
      hint: /^(WRONGPASS|NOAUTH|NOPERM)/.test(why)
        ? 'Check the user and password in REDIS_URL, or the file set in REDIS_PASSWORD_FILE.'
        : 'Start Redis, or set REDIS_URL to a running server (redis://user:password@host:port, rediss:// for TLS).',
    });
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

/** Returns the message of an error; for an error of a Redis Cluster, the message from the last node that was tried. */
function reasonOf(error: Error & { lastNodeError?: Error }): string {
  return error.lastNodeError?.message ?? error.message;
}
