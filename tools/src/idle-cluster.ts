import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants, until } from '@cryfold/integration-tests/command';
import { type Memory, memoryOf } from './processes.js';

export const ROLES = ['coordinator', 'worker'] as const;
export type Role = (typeof ROLES)[number];

export interface IdleCluster {
  /** The checkout whose command is started. It must be built */
  root: string;
  /** URL of a Redis that nothing else uses */
  url: string;
  /** URL of the store */
  folder: string;
  /** Seconds to wait before the measurement, after the last process has become ready */
  seconds: number;
}

/** Seconds that a process may take until it reports that it is ready. */
const START = 60;

/**
 * Starts an idle coordinator and an idle worker, and measures the memory of each, including the processes that it has
 * started.
 * @throws Error if one of them exits before it is measured, or is not ready within a minute
 */
export async function measureIdle({ root, url, folder, seconds }: IdleCluster): Promise<Record<Role, Memory>> {
  const program = join(root, 'packages', 'cli', 'bin', 'cryfold.js');
  if (!existsSync(program))
    throw new Error(`${root} is not a checkout of cryfold: it has no packages/cli/bin/cryfold.js`);
  const env = { ...process.env, REDIS_URL: url, CRYFOLD_STORE: `file:${join(folder, 'idle')}` };
  const members = ROLES.map((role) => new Member(role, program, env));
  try {
    await until('the coordinator and the worker', () => members.every((member) => member.ready()), START);
    await sleep(seconds * 1000);
    const measured = members.map((member) => [member.role, member.memory()] as const);
    return Object.fromEntries(measured) as Record<Role, Memory>;
  } finally {
    await Promise.all(members.map((member) => member.stop()));
  }
}

class Member {
  readonly #child: ChildProcess;
  /** The end of the process's output */
  #said = '';

  constructor(
    readonly role: Role,
    program: string,
    env: NodeJS.ProcessEnv,
  ) {
    this.#child = spawn(process.execPath, [program, role], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text) => {
        this.#said = `${this.#said}${text}`.slice(-4000);
      });
    }
  }

  /** Returns whether the process has reported that it is ready. @throws Error if it has exited */
  ready(): boolean {
    const { exitCode } = this.#child;
    if (exitCode !== null) throw new Error(`the ${this.role} exited with code ${exitCode}: ${this.#said}`);
    return this.#said.includes(`"${this.role} ready"`);
  }

  /** Returns the memory of the process and its descendants. @throws Error if it has exited */
  memory(): Memory {
    this.ready();
    const pid = this.#child.pid!;
    return sumMemory([pid, ...descendants(pid).map((one) => one.pid)].map(memoryOf));
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  }
}

/** The total memory of several processes. */
export function sumMemory(all: readonly Memory[]): Memory {
  return all.reduce((sum, { rss, pss }) => ({ rss: sum.rss + rss, pss: sum.pss + pss }));
}
