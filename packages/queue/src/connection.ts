import { CryfoldError, parseRedisUrl, type RedisAddress, redactUrl } from '@cryfold/core';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

/** A connection to one server, also to the one that Sentinels name, or to all nodes of a Redis Cluster. */
export type Connection = Redis | Cluster;

export interface ConnectOptions {
  /**
   * Blocking users wait for a lost server; others fail at once, so that a producer is never hung by an outage (design
   * section 4).
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
    // ioredis counts anew with each connection, and a demoted primary takes connections.
    retryStrategy: (times) => retryMs(Math.max(times, refusals)),
    // After a failover the old connection leads to what is now a replica. A command that it refused has changed nothing.
    reconnectOnError: (error) => {
      if (!error.message.startsWith('READONLY')) return false;
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
  if (address.kind === 'single') return new Redis(address.url, options);
  const { username, password } = address;
  const secured = {
    ...options,
    ...(username && { username }),
    ...(password && { password }),
    ...(address.tls && { tls: {} }),
  };
  if (address.kind === 'sentinel') {
    const { sentinels, name, db, sentinelPassword, tls } = address;
    // With ioredis's own strategy it asks all Sentinels again after 10 ms.
    const sentinelRetryStrategy: RedisOptions['sentinelRetryStrategy'] = (times) => options.retryStrategy?.(times);
    const sentinel: RedisOptions = { sentinels, name, db, sentinelRetryStrategy, enableTLSForSentinelMode: tls };
    return new Redis({
      ...{ ...secured, ...sentinel },
      ...(tls && { sentinelTLS: {} }),
      ...(sentinelPassword && { sentinelPassword }),
    });
  }
  const { enableOfflineQueue, lazyConnect, retryStrategy, ...redisOptions } = secured;
  return new Cluster(address.nodes, {
    ...{ enableOfflineQueue, lazyConnect, redisOptions },
    clusterRetryStrategy: retryStrategy as ClusterOptions['clusterRetryStrategy'],
    // Nodes behind TLS are certified by name, which ioredis would replace with an address.
    ...(address.tls && { dnsLookup: (host, callback) => callback(null, host) }),
  });
}

/**
 * Answers Redis's version, or says why not within `timeoutMs` milliseconds.
 * @throws CryfoldError REDIS_UNREACHABLE; USAGE where the URL does not fit the server
 */
export async function checkRedis(url: string, timeoutMs = 3000): Promise<string> {
  const address = parseRedisUrl(url);
  let reason = `no answer within ${timeoutMs} ms`;
  const redis = open(address, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', (error: Error) => {
    reason = reasonOf(error);
  });
  const timer = setTimeout(() => redis.disconnect(), timeoutMs);
  let info: string;
  try {
    await redis.connect();
    info = await redis.info('server');
  } catch (cause) {
    throw new CryfoldError('REDIS_UNREACHABLE', `Redis at ${redactUrl(url)}: ${reason}`, {
      cause,
      context: { url: redactUrl(url) },
      hint: /^(WRONGPASS|NOAUTH|NOPERM)/.test(reason)
        ? 'Check user and password in REDIS_URL, or the file that REDIS_PASSWORD_FILE names.'
        : 'Start it, or set REDIS_URL to one that runs (redis://user:password@host:port, rediss:// for TLS).',
    });
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
  if (address.kind !== 'cluster' && /^redis_mode:cluster/m.test(info)) {
    throw new CryfoldError('USAGE', `Redis at ${redactUrl(url)} is a node of a Redis Cluster`, {
      context: { url: redactUrl(url) },
      hint: 'Write redis+cluster://user:password@host:port,host:port in REDIS_URL.',
    });
  }
  return /(?:valkey|redis)_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
}

/** Of a cluster's error, what the last node said. */
function reasonOf(error: Error & { lastNodeError?: Error }): string {
  return error.lastNodeError?.message ?? error.message;
}
