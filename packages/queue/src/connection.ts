import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CryfoldError, redactUrl } from '@cryfold/core';
import { Redis, type RedisOptions } from 'ioredis';
import { FreshRedis } from './fresh-redis.js';
import { type RedisFacts, refuseCluster, requireFit } from './redis-fitness.js';

/**
 * Connects to `redis://`, `rediss://` or the path of a Unix socket. Blocking users wait for a lost server;
 * others fail at once, so that a producer is never hung by an outage (design section 4).
 * @param onReconnect is told each time that a lost connection is there again
 */
export function connect(url: string, use: 'blocking' | 'failing', onReconnect: () => void = () => {}): Redis {
  const options: RedisOptions = {
    maxRetriesPerRequest: use === 'blocking' ? null : 1,
    enableOfflineQueue: use === 'blocking',
    // A connection can be dead without either side knowing (a NAT that forgot it): found by scripts/chaos, where an
    // aggregator waited for ever. BullMQ's blocking commands answer within 10 s, so this long a silence means that.
    socketTimeout: 15_000,
    retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 5), 2000),
  };
  const redis = new FreshRedis(url, options);
  // Reconnection is ioredis's task; without a listener it would print every attempt.
  redis.on('error', () => {});
  redis.once('ready', () => redis.on('ready', onReconnect));
  return redis;
}

/** Milliseconds that each answer of a Redis that is to be shut down may take. */
const SHUTDOWN_MS = 2000;

/**
 * Ends the Redis that answers at a socket if it is the private one of a local run: its working folder is the folder of
 * the socket, and that folder is named as a local run names it. A shared Redis is left alone. Nothing is saved: the
 * truth is in the store.
 * @param socket path of the socket, as the local run itself made it
 * @returns whether it was that Redis
 */
export async function shutDownPrivateRedis(socket: string): Promise<boolean> {
  const folder = dirname(socket);
  if (!/^cryfold-redis-\w{6}$/.test(basename(folder)) || basename(socket) !== 'redis.sock') return false;
  const redis = new Redis(socket, { maxRetriesPerRequest: 0, retryStrategy: () => null, commandTimeout: SHUTDOWN_MS });
  redis.on('error', () => {});
  try {
    const [, at] = (await redis.config('GET', 'dir')) as string[];
    const [, listening] = (await redis.config('GET', 'unixsocket')) as string[];
    if (listening !== socket || (await realpath(at)) !== (await realpath(folder))) return false;
    await redis.shutdown('NOSAVE').catch(() => {});
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

/**
 * Answers Redis's version, or says why not within `timeoutMs` milliseconds.
 * @throws CryfoldError REDIS_UNREACHABLE, REDIS_UNSAFE
 */
export async function checkRedis(url: string, timeoutMs = 3000): Promise<string> {
  const info = await ask(url, timeoutMs, (redis) => redis.info());
  refuseCluster(info);
  return requireFit(info).version;
}

/**
 * As `checkRedis`, with what an operator should know about it.
 * @throws CryfoldError REDIS_UNREACHABLE, REDIS_UNSAFE
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
  refuseCluster(found.info);
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
async function ask<T>(url: string, timeoutMs: number, question: (redis: Redis) => Promise<T>): Promise<T> {
  // ioredis takes any other scheme for the path of a socket, and repeats it, password included, in its message.
  if (/^\w+:\/\//.test(url) && !(/^rediss?:/i.test(url) && URL.canParse(url))) {
    throw new CryfoldError('USAGE', `REDIS_URL is no URL of a Redis: ${redactUrl(url)}`, {
      hint: 'Write redis://user:password@host:port, and % codes for special characters in user and password.',
    });
  }
  const redis = new FreshRedis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  let reason: string | undefined;
  redis.on('error', (error) => {
    reason = error.message;
  });
  const timer = setTimeout(() => {
    reason ??= `no answer within ${timeoutMs} ms`;
    redis.disconnect();
  }, timeoutMs);
  try {
    await redis.connect();
    return await question(redis);
  } catch (cause) {
    // The reply to a command is no event of the connection.
    const why = reason ?? (cause as Error).message;
    throw new CryfoldError('REDIS_UNREACHABLE', `Redis at ${redactUrl(url)}: ${why}`, {
      cause,
      context: { url: redactUrl(url) },
      hint: 'Start it, or set REDIS_URL to one that runs (redis://user:password@host:port, rediss:// for TLS).',
    });
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}
