import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants } from '@cryfold/integration-tests/command';
import { type Memory, memoryOf } from './processes.js';

export const ROLES = ['coordinator', 'worker'] as const;
export type Role = (typeof ROLES)[number];

export interface IdleCluster {
  /** The checkout whose command is started; it must be built */
  root: string;
  /** Of a Redis that nothing else uses */
  url: string;
  /** Where the store goes */
  folder: string;
  /** Seconds between the start and the measurement */
  seconds: number;
}

/**
 * Starts a coordinator and a worker that have nothing to do, and measures each with the processes that it has started.
 * @throws Error where one of them ends before it is measured
 */
export async function measureIdle({ root, url, folder, seconds }: IdleCluster): Promise<Record<Role, Memory>> {
  const program = join(root, 'packages', 'cli', 'bin', 'cryfold.js');
  const env = { ...process.env, REDIS_URL: url, CRYFOLD_STORE: `file:${join(folder, 'idle')}` };
  const start = (role: Role) => spawn(process.execPath, [program, role], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const children = ROLES.map((role) => ({ role, child: start(role), said: '' }));
  for (const one of children) {
    one.child.stderr.on('data', (text) => {
      one.said = `${one.said}${text}`.slice(-2000);
    });
  }
  try {
    await sleep(seconds * 1000);
    for (const { role, child, said } of children) {
      if (child.exitCode !== null) throw new Error(`the ${role} ended with exit code ${child.exitCode}: ${said}`);
    }
    return Object.fromEntries(children.map(({ role, child }) => [role, withDescendants(child.pid!)])) as Record<
      Role,
      Memory
    >;
  } finally {
    await Promise.all(children.map(({ child }) => stop(child)));
  }
}

function withDescendants(pid: number): Memory {
  return sumMemory([pid, ...descendants(pid).map((one) => one.pid)].map(memoryOf));
}

/** The memory of several processes together. */
export function sumMemory(all: readonly Memory[]): Memory {
  return all.reduce((sum, { rss, pss }) => ({ rss: sum.rss + rss, pss: sum.pss + pss }));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(late);
}
