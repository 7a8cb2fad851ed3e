import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CryfoldError, endsWithin } from '@cryfold/core';
import { kindOf, queueOf } from '@cryfold/estimators';
import type { RunPlan } from '@cryfold/plan';
import { announceRun } from './live-run.js';
import { openLog } from './open-log.js';
import { lockFolder } from './out-lock.js';
import { findRedisServer, RedisServer } from './redis-server.js';

/** If a service dies this many times within `WINDOW_MS`, the cluster gives up. */
const DEATHS = 5;
const WINDOW_MS = 60_000;

export interface LocalClusterOptions {
  /** Path of the script that runs a service. Its first argument is `coordinator`, `aggregator` or `worker`. */
  program: string;
  /** The run to execute; other runs in the same store are ignored. */
  plan: RunPlan;
  workers: number;
  /** Port and token of the live page, which the coordinator serves on loopback; if absent, there is no page */
  page?: { port: number; token: string } | undefined;
  storeUrl: string;
  cacheDir: string;
  /** Folder for the logs of all processes */
  logDir: string;
  environment: NodeJS.ProcessEnv;
  /** Called with each line to show to the user. */
  say: (text: string) => void;
}

/**
 * A cluster on this machine: a private Redis, a coordinator, an aggregator and workers as separate processes that
 * communicate only through Redis and the store. Restarts processes that die.
 */
export class LocalCluster {
  readonly redisUrl: string;
  /** Rejects if a service keeps dying. */
  readonly broken: Promise<never>;
  readonly #redis: RedisServer;
  readonly #options: LocalClusterOptions;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #deaths = new Map<string, number[]>();
  #break!: (error: CryfoldError) => void;
  readonly #release: () => void;
  #stopping = false;

  private constructor(redis: RedisServer, options: LocalClusterOptions, release: () => void) {
    this.#release = release;
    this.#redis = redis;
    this.redisUrl = redis.url;
    this.#options = options;
    this.broken = new Promise((_, reject) => {
      this.#break = reject;
    });
    this.broken.catch(() => {});
    redis.broken.catch(this.#break);
    // After a second Ctrl-C, or if its output is closed, the command exits without calling stop().
    process.once('exit', this.#kill);
  }

  readonly #kill = () => {
    for (const child of this.#processes.values()) child.kill('SIGKILL');
  };

  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const redisServer = await findRedisServer(options.environment.PATH ?? '', options.cacheDir);
    try {
      mkdirSync(options.logDir, { recursive: true });
    } catch (cause) {
      throw new CryfoldError('STORE_UNREACHABLE', `cannot write logs: ${(cause as Error).message}`, {
        cause,
        context: { folder: options.logDir },
        hint: 'Choose a writable store with --store.',
      });
    }
    const folder = dirname(options.logDir);
    const unlock = lockFolder(folder);
    const { run } = options.plan;
    const forget = announceRun(folder, run);
    const release = () => {
      forget();
      unlock();
    };
    const redis = await startRedis(redisServer, options).catch((error) => {
      release();
      throw error;
    });
    announceRun(folder, run, redis.url);
    const cluster = new LocalCluster(redis, options, release);
    const estimators = Object.values(options.plan.spec.estimators);
    const queues = [...new Set(estimators.map(queueOf))].join(',');
    // These workers train only folds of this run, so they may run the programs that its spec lists.
    const commands = estimators.some((estimator) => kindOf(estimator).runsCommands) ? ['--allow-commands'] : [];
    cluster.#spawn('coordinator', ['coordinator']);
    cluster.#spawn('aggregator', ['aggregator']);
    for (let i = 0; i < options.workers; i++)
      cluster.#spawn(`worker-${i}`, ['worker', '--queues', queues, ...commands]);
    return cluster;
  }

  #spawn(name: string, args: string[]): void {
    const file = join(this.#options.logDir, `${name}.log`);
    let log: number;
    try {
      log = openLog(file);
    } catch (cause) {
      this.#break(lost(name, `cannot write its log: ${(cause as Error).message}`, file));
      return;
    }
    const page = name === 'coordinator' ? this.#options.page : undefined;
    const child = fork(this.#options.program, args, {
      // Passes secrets and addresses in the environment, never as arguments.
      env: {
        ...this.#options.environment,
        CRYFOLD_LOCAL: '1',
        REDIS_URL: this.redisUrl,
        CRYFOLD_STORE: this.#options.storeUrl,
        CRYFOLD_ONLY_RUN: this.#options.plan.run,
        // Services cannot share a port.
        CRYFOLD_METRICS_PORT: undefined,
        CRYFOLD_API_PORT: page?.port.toString(),
        CRYFOLD_API_HOST: undefined,
        CRYFOLD_API_TOKENS: page && `operate:${page.token}`,
        CRYFOLD_API_TOKENS_FILE: undefined,
      },
      // Node.js flags of a program that calls `evaluate`, such as --input-type or --watch, must not reach the services.
      execArgv: [],
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#processes.set(name, child);
    // A process that fails to start does not emit an exit event.
    child.once('error', (error) => child.pid === undefined && this.#died(name, args, error.message));
    child.once('exit', (code, signal) => this.#died(name, args, signal ?? `code ${code}`));
  }

  #died(name: string, args: string[], how: string): void {
    this.#processes.delete(name);
    if (this.#stopping) return;
    const now = Date.now();
    const deaths = [...(this.#deaths.get(name) ?? []), now].filter((time) => now - time < WINDOW_MS);
    this.#deaths.set(name, deaths);
    if (deaths.length < DEATHS) this.#spawn(name, args);
    else {
      const log = join(this.#options.logDir, `${name}.log`);
      this.#break(lost(name, `exited ${DEATHS} times within a minute (${how})`, log));
    }
  }

  /** Stops all processes, with Redis last. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ended = [...this.#processes.values()].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      if (await endsWithin(10_000, exit)) return;
      child.kill('SIGKILL');
      await exit;
    });
    await Promise.all(ended);
    await this.#redis.stop();
    process.off('exit', this.#kill);
    this.#release();
  }
}

function lost(name: string, what: string, log: string): CryfoldError {
  return new CryfoldError('PROCESS_DIED', `${name} ${what}`, {
    context: { process: name, log },
    hint: `See the log of this process: ${log}`,
  });
}

async function startRedis(program: string, { logDir, say }: LocalClusterOptions): Promise<RedisServer> {
  const logFile = join(logDir, 'redis.log');
  const log = openLog(logFile);
  try {
    return await RedisServer.start(program, { log, logFile, say });
  } finally {
    closeSync(log);
  }
}
