import { readNamedFile } from '@cryfold/core';
import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

/**
 * A Redis client that reads its password from the file given by the URL parameter `passwordFile` each time it connects,
 * so that rotating the password does not require a restart. Redis keeps existing connections open when a password
 * changes.
 */
export class FreshRedis extends Redis {
  constructor(...args: [url: string, options: RedisOptions] | [options: RedisOptions]) {
    // ioredis accepts both forms, but its types do not accept their union.
    super(...(args as unknown as [string, never]));
  }

  override connect(callback?: Parameters<Redis['connect']>[0]): Promise<void> {
    // ioredis treats parameters of a URL as options.
    const { passwordFile } = this.options as RedisOptions & { passwordFile?: string };
    if (passwordFile !== undefined) {
      this.options.password = passwordIn(passwordFile) ?? this.options.password;
    }
    return super.connect(callback);
  }

  /** Like ioredis's own method, which would create a plain Redis instead of this class. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new FreshRedis({ ...this.options, ...override });
  }
}

type Options = ClusterOptions & { passwordFile?: string };

/** Like `FreshRedis`, for all nodes of a Redis Cluster. */
export class FreshCluster extends Cluster {
  readonly #nodes: ClusterNode[];

  constructor(nodes: ClusterNode[], options: Options) {
    // ioredis's types do not accept their own base type.
    super(nodes, options as never);
    this.#nodes = nodes;
    const { passwordFile } = options;
    // A node connects only after this event. The subscriber and the connection that queries slots copy the node's
    // options.
    if (passwordFile !== undefined) this.on('+node', ({ options: node }: Redis) => keepFresh(node, passwordFile));
  }

  /** Like ioredis's own method, which would create a plain Cluster instead of this class. */
  override duplicate(nodes: ClusterNode[] = [], options: Options = {}): Cluster {
    return new FreshCluster(nodes.length > 0 ? nodes : this.#nodes, { ...this.options, ...options });
  }
}

/** Makes a connection that ioredis creates use the password that is currently in its file. */
function keepFresh(options: RedisOptions, file: string): void {
  let last = options.password;
  const get = () => {
    last = passwordIn(file) ?? last;
    return last;
  };
  Object.defineProperty(options, 'password', { get, enumerable: true });
}

/** @returns undefined while the file is being replaced; the next attempt to connect reads it again */
function passwordIn(file: string): string | undefined {
  try {
    return readNamedFile('REDIS_PASSWORD_FILE', file) || undefined;
  } catch {
    return undefined;
  }
}
