import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer } from '@cryfold/local-run';
import { checkRedis } from '@cryfold/queue';
import { loadConfig } from '@cryfold/runtime';
import { until } from './command.js';

/** A real Redis on a Unix socket that tests may kill and restart. */
export class RedisProcess {
  readonly url: string;
  #process: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
  ) {
    this.url = join(folder, 'redis.sock');
  }

  static async start(): Promise<RedisProcess> {
    const program = await findRedisServer(process.env.PATH ?? '', loadConfig().cacheDir);
    const redis = new RedisProcess(program, await mkdtemp(join(tmpdir(), 'cryfold-redis-')));
    await redis.restart();
    return redis;
  }

  /** Starts a Redis on a loopback port, with a password and additional flags such as `--cluster-enabled yes`. */
  static async withPassword(
    password: string,
    more: string[] = [],
  ): Promise<{ url: string; remove: () => Promise<void> }> {
    const program = await findRedisServer(process.env.PATH ?? '', loadConfig().cacheDir);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const folder = await mkdtemp(join(tmpdir(), 'cryfold-redis-'));
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', password, '--save', '', ...more];
    const child = spawn(program, flags, { stdio: 'ignore', cwd: folder });
    const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`;
    await until('Redis to respond', () =>
      operate(url, 'PING').then(
        () => true,
        () => false,
      ),
    );
    const remove = async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    };
    return { url, remove };
  }

  async restart(): Promise<void> {
    const flags = ['--port', '0', '--unixsocket', this.url, '--dir', this.folder, '--appendonly', 'yes', '--save', ''];
    this.#process = spawn(this.program, flags, { stdio: 'ignore' });
    await until('Redis to respond', () =>
      checkRedis(this.url, 500).then(
        () => true,
        () => false,
      ),
    );
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Sends a signal. With SIGSTOP, for example, Redis still accepts connections but does not respond. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Sends one administrative command to the Redis at a `redis://` URL.
 * @returns the first line of the reply
 * @throws Error if the reply is an error
 */
export async function operate(url: string, ...words: string[]): Promise<string> {
  const { hostname, port, password } = new URL(url);
  const socket = connect(Number(port), hostname);
  const command = (all: string[]) =>
    `*${all.length}\r\n${all.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
  const commands = [...(password ? [['AUTH', decodeURIComponent(password)]] : []), words];
  socket.setEncoding('utf8').write(commands.map(command).join(''));
  let text = '';
  try {
    for await (const chunk of socket) {
      text += chunk;
      const replies = text.split('\r\n').slice(0, -1);
      const failed = replies.find((reply) => reply.startsWith('-'));
      if (failed) throw new Error(`${words[0]}: ${failed}`);
      if (replies.length >= commands.length) return replies[commands.length - 1];
    }
    throw new Error(`${words[0]}: no reply`);
  } finally {
    socket.destroy();
  }
}
