import { readNamedFile } from '@cryfold/core';
import { Redis, type RedisOptions } from 'ioredis';

/**
 * A Redis client that reads its password from the file of the URL parameter `passwordFile` each time that it connects:
 * a rotated password needs no restart. Redis keeps connections that are open when a password changes.
 */
export class FreshRedis extends Redis {
  constructor(...args: [url: string, options: RedisOptions] | [options: RedisOptions]) {
    // ioredis takes both forms; its types do not take their union.
    super(...(args as unknown as [string, never]));
  }

  override connect(callback?: Parameters<Redis['connect']>[0]): Promise<void> {
    // ioredis takes the parameters of a URL for options.
    const { passwordFile } = this.options as RedisOptions & { passwordFile?: string };
    if (passwordFile !== undefined) {
      try {
        this.options.password = readNamedFile('REDIS_PASSWORD_FILE', passwordFile);
      } catch {
        // It is being replaced: the next attempt reads it again.
      }
    }
    return super.connect(callback);
  }

  /** As in ioredis, whose own method does not keep the class. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new FreshRedis({ ...this.options, ...override });
  }
}
