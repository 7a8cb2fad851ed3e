import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abortedForMemory, CryfoldError } from '@cryfold/core';
import { defaultChildMemoryMb, memoryOf, oomKills } from './memory.js';

const SHELL = '/bin/sh';

/** Milliseconds between memory checks of all children. */
const INTERVAL_MS = 100;

/**
 * A child's oom_score_adj is higher than its parent's by this much (but at most 1000), so that the kernel kills the
 * child before its parent or Redis.
 */
const EXPENDABLE = 500;

/** Signals that typically kill a process after a failed allocation that a library did not check. */
const FAULTS = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGTRAP', 'SIGILL']);

export interface BoundedChildOptions extends ForkOptions {
  args?: readonly string[];
  /** Maximum private memory in RAM, MiB */
  limitMb: number;
  /** Hint for the error that is thrown when the limit is exceeded */
  hint: string;
}

const watched = new Set<BoundedChild>();
let timer: NodeJS.Timeout | undefined;

/**
 * A forked Node process with bounded memory. It is killed within about a tenth of a second once its private memory in
 * RAM exceeds `limitMb`, or once all children of this process together exceed the memory of the machine or cgroup.
 * RLIMIT_DATA (twice the limit plus 1 GiB, because freed memory and stacks count too) rejects absurdly large single
 * allocations, regardless of vm.overcommit_memory. Only Linux enforces these limits.
 */
export class BoundedChild {
  readonly process: ChildProcess;
  readonly limitMb: number;
  readonly #hardMb: number;
  readonly #hint: string;
  #oomKills = oomKills();
  #peakData = 0;
  #reason: string | undefined;
  /** Name prefix of temporary folders that the process creates */
  readonly #token = randomBytes(8).toString('hex');

  constructor(entry: string, { args = [], limitMb, hint, ...options }: BoundedChildOptions) {
    this.limitMb = limitMb;
    this.#hardMb = 2 * limitMb + 1024;
    this.#hint = hint;
    this.process = fork(entry, args, {
      ...options,
      env: { ...(options.env ?? process.env), CRYFOLD_CHILD: this.#token },
      ...limited(this.#hardMb),
    });
    watched.add(this);
    timer ??= setInterval(watch, INTERVAL_MS).unref();
    this.process.once('exit', () => this.#forget());
    this.process.once('error', () => this.process.pid === undefined && this.#forget());
  }

  /** Marks the start of a task. Only events after this call are considered when explaining why the process exited. */
  begin(): void {
    this.#oomKills = oomKills();
    this.#peakData = 0;
  }

  /**
   * If the process exited because of its memory use, returns an error that explains why.
   * @param signal the signal that killed the process
   * @param output the end of its standard error
   */
  outOfMemory(signal: NodeJS.Signals | null, output = ''): CryfoldError | undefined {
    const reason = this.#reason ?? this.#explain(signal, output);
    return reason === undefined ? undefined : new CryfoldError('OUT_OF_MEMORY', reason, { hint: this.#hint });
  }

  /** Measures the child's memory in MiB, and kills the process if it exceeds the limit. */
  measure(): number {
    const { anonymous, data } = memoryOf(this.process.pid ?? 0);
    this.#peakData = Math.max(this.#peakData, data);
    if (anonymous > this.limitMb)
      this.end(`it used ${Math.ceil(anonymous)} MiB of memory; the limit is ${this.limitMb} MiB`);
    return anonymous;
  }

  /** Kills the process because of its memory use. */
  end(reason: string): void {
    this.#reason ??= reason;
    this.process.kill('SIGKILL');
  }

  #explain(signal: NodeJS.Signals | null, output: string): string | undefined {
    if (signal === 'SIGKILL' && oomKills() > this.#oomKills) {
      return 'the kernel killed it because the machine or its cgroup ran out of memory';
    }
    // Unless a single allocation was huge, an allocation fails only when the address space is nearly used up.
    const full = signal !== null && FAULTS.has(signal) && this.#peakData > 0.8 * this.#hardMb;
    if (full || abortedForMemory(output))
      return `it ${signal ? `was killed by ${signal}` : 'exited'} because an allocation failed`;
    return undefined;
  }

  /** A killed process cannot remove its temporary folders. */
  #removeTemporary(): void {
    try {
      for (const name of readdirSync(tmpdir())) {
        if (/^cryfold-[a-z]+-([0-9a-f]{16})-\w{6}$/.exec(name)?.[1] !== this.#token) continue;
        rmSync(join(tmpdir(), name), { recursive: true, force: true });
      }
    } catch {
      // The folder does not exist, or another process removed it first.
    }
  }

  #forget(): void {
    this.#removeTemporary();
    watched.delete(this);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }
}

function watch(): void {
  const used = [...watched].map((child) => ({ child, mb: child.measure() })).sort((a, b) => b.mb - a.mb);
  if (used.length < 2) return;
  const together = used.reduce((sum, { mb }) => sum + mb, 0);
  // A larger limit that was set explicitly takes precedence.
  const most = Math.max(defaultChildMemoryMb(), ...used.map(({ child }) => child.limitMb));
  if (together <= most) return;
  const [{ child, mb }] = used;
  const [all, own] = [together, mb].map(Math.ceil);
  child.end(
    `${used.length} child processes used ${all} MiB of memory together (this one ${own} MiB); the limit is ${most} MiB`,
  );
}

/**
 * A shell sets the limits and then replaces itself with the process, because Node has no setrlimit. PR_SET_PDEATHSIG is
 * not used, because a child whose parent dies exits by itself, after removing its temporary folders.
 */
function limited(hardMb: number): ForkOptions {
  if (process.platform !== 'linux' || !existsSync(SHELL)) return {};
  const score = Math.min(1000, Number(readFileSync('/proc/self/oom_score_adj', 'utf8')) + EXPENDABLE);
  const script = `{ echo ${score} >/proc/self/oom_score_adj; ulimit -d ${Math.ceil(hardMb) * 1024}; } 2>/dev/null; exec "$0" "$@"`;
  return { execPath: SHELL, execArgv: ['-c', script, process.execPath, ...process.execArgv] };
}
