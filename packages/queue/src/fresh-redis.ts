import { readNamedFile } from '@cryfold/core';
import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

/**
 * A Redis client that reads its password from the file named by the URL parameter `passwordFile` at every connection,
 * so that a rotated password needs no restart. Redis keeps open connections when a password changes.
 */
export class FreshRedis extends Redis {
  constructor(...args: [url: string, options: RedisOptions] | [options: RedisOptions]) {
    // ioredis accepts both forms; its types do not accept their union.
    super(...(args as unknown as [string, never]));
  }

  override connect(callback?: Parameters<Redis['connect']>[0]): Promise<void> {
    // ioredis treats the parameters of a URL as options.
    const { passwordFile } = this.options as RedisOptions & { passwordFile?: string };
    if (passwordFile !== undefined) {
      this.options.password = passwordIn(passwordFile) ?? this.options.password;
    }
    return super.connect(callback);
  }

  /** Like ioredis's own method, which does not keep the class. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new FreshRedis({ ...this.options, ...override });
  }
}

type Options = ClusterOptions & { passwordFile?: string };

/** Like `FreshRedis`, for all nodes of a Redis Cluster. */
export class FreshCluster extends Cluster {
  readonly #nodes: ClusterNode[];

  constructor(nodes: ClusterNode[], options: Options) {
    // Its types do not accept their own base type.
    super(nodes, options as never);
    this.#nodes = nodes;
    const { passwordFile } = options;
    // A node connects after this event. Its subscriber and the connection that queries slots copy its options.
    if (passwordFile !== undefined) this.on('+node', ({ options: node }: Redis) => keepFresh(node, passwordFile));
  }

  /** Like ioredis's own method, which does not keep the class. */
  override duplicate(nodes: ClusterNode[] = [], options: Options = {}): Cluster {
    return new FreshCluster(nodes.length > 0 ? nodes : this.#nodes, { ...this.options, ...options });
  }
}

/** Makes the options of a connection that ioredis creates use the password currently in its file. */
function keepFresh(options: RedisOptions, file: string): void {
  let last = options.password;
  const get = () => {
    last = passwordIn(file) ?? last;
    return last;
  };
  Object.defineProperty(options, 'password', { get, enumerable: true });
}

/** @returns undefined while the file is being replaced: the next attempt reads it again */
function passwordIn(file: string): string | undefined {
  try {
    return readNamedFile('REDIS_PASSWORD_FILE', file) || undefined;
  } catch {
    return undefined;
  }
}
