import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@cryfold/testing';
import { askRedisAt } from './chaos-redis.js';
import { findRedis } from './cluster.js';
import { until } from './command.js';

/** A real Redis server on a loopback port, with settings chosen by the test. */
export class RedisServer {
  readonly port: number;
  readonly folder: string;
  readonly #program: string;
  readonly #flags: string[];
  #process: ChildProcess | undefined;

  private constructor(program: string, port: number, folder: string, flags: string[]) {
    this.#program = program;
    this.#flags = flags;
    this.port = port;
    this.folder = folder;
  }

  /**
   * @param folder parent of the server's working folder, which is named after its port
   * @param flags arguments for the server, such as `--requirepass x` or `--sentinel`; by default, Redis saves nothing
   * to disk
   */
  static async start(folder: string, ...flags: string[]): Promise<RedisServer> {
    const program = (await findRedis()) as string;
    const port = await freePort();
    const own = join(folder, `redis-${port}`);
    await mkdir(own, { recursive: true });
    // A Sentinel requires a configuration file, in which it saves its state.
    await writeFile(join(own, 'redis.conf'), '');
    const server = new RedisServer(program, port, own, flags);
    server.spawn();
    await server.answers();
    return server;
  }

  /** Starts the Redis process with additional flags. */
  spawn(...flags: string[]): void {
    const all = [
      join(this.folder, 'redis.conf'),
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      this.folder,
    ];
    if (!this.#flags.includes('--sentinel')) all.push('--save', '');
    this.#process = spawn(this.#program, [...all, ...this.#flags, ...flags], { stdio: 'ignore' });
  }

  /** Waits until Redis returns any reply, even an error. */
  async answers(): Promise<void> {
    await until('Redis to respond', () => this.ask('PING').catch(() => undefined));
  }

  ask(...words: string[]): Promise<string> {
    return askRedisAt(this.port, ...words);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
