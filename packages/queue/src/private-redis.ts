import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Redis } from 'ioredis';

/** Timeout in milliseconds for each reply while a Redis server is being shut down. */
const SHUTDOWN_MS = 2000;

/**
 * Shuts down the Redis server at a socket if it is the private server of a local run: it must run in the socket's
 * folder, and the folder must have a name that a local run would choose. A shared server keeps running. Nothing is
 * saved, since the store has all results.
 * @param socket path of the socket, as the local run created it
 * @returns whether it was the private Redis of a local run
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
