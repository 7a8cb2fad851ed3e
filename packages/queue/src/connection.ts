import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CryfoldError, redactUrl } from '@cryfold/core';
import { Redis, type RedisOptions } from 'ioredis';
import { FreshRedis } from './fresh-redis.js';

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
 * @throws CryfoldError REDIS_UNREACHABLE
 */
export async function checkRedis(url: string, timeoutMs = 3000): Promise<string> {
  // ioredis takes any other scheme for the path of a socket, and repeats it, password included, in its message.
  if (/^\w+:\/\//.test(url) && !(/^rediss?:/i.test(url) && URL.canParse(url))) {
    throw new CryfoldError('USAGE', `REDIS_URL is no URL of a Redis: ${redactUrl(url)}`, {
      hint: 'Write redis://user:password@host:port, and % codes for special characters in user and password.',
    });
  }
  const redis = new FreshRedis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  let reason = `no answer within ${timeoutMs} ms`;
  redis.on('error', (error) => {
    reason = error.message;
  });
  const timer = setTimeout(() => redis.disconnect(), timeoutMs);
  try {
    await redis.connect();
    const info = await redis.info('server');
    return /(?:valkey|redis)_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
  } catch (cause) {
    throw new CryfoldError('REDIS_UNREACHABLE', `Redis at ${redactUrl(url)}: ${reason}`, {
      cause,
      context: { url: redactUrl(url) },
      hint: 'Start it, or set REDIS_URL to one that runs (redis://user:password@host:port, rediss:// for TLS).',
    });
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}
