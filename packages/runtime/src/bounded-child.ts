import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abortedForMemory, CryfoldError } from '@cryfold/core';
import { defaultChildMemoryMb, memoryOf, oomKills } from './memory.js';

const SHELL = '/bin/sh';

/** Milliseconds between two looks at the memory of all children. */
const INTERVAL_MS = 100;

/** Added to the parent's oom_score_adj, whose most is 1000: the kernel kills a child before its parent or Redis. */
const EXPENDABLE = 500;

/** How a process ends when a library does not check whether an allocation succeeded. */
const FAULTS = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGTRAP', 'SIGILL']);

export interface BoundedChildOptions extends ForkOptions {
  args?: readonly string[];
  /** Most private memory in RAM, MiB */
  limitMb: number;
  /** What to do when the limit is exceeded */
  hint: string;
}

const watched = new Set<BoundedChild>();
let timer: NodeJS.Timeout | undefined;

/**
 * A forked Node process whose memory is bounded. Private memory in RAM above `limitMb` ends it within a tenth of a second
 * or so; so does the sum of all children of this process above what the machine or cgroup has. RLIMIT_DATA, twice the
 * limit and 1 GiB (freed memory and stacks count for it too), refuses single allocations beyond any sense, whatever
 * vm.overcommit_memory says. Only Linux enforces either.
 */
export class BoundedChild {
  readonly process: ChildProcess;
  readonly limitMb: number;
  readonly #hardMb: number;
  readonly #hint: string;
  #oomKills = oomKills();
  #peakData = 0;
  #reason: string | undefined;
  /** Part of the names of temporary folders that the process makes */
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

  /** Starts a piece of work: only what happens from now on explains the end of the process. */
  begin(): void {
    this.#oomKills = oomKills();
    this.#peakData = 0;
  }

  /**
   * Why the process ended, if memory was the cause.
   * @param signal that ended it
   * @param output the end of its standard error
   */
  outOfMemory(signal: NodeJS.Signals | null, output = ''): CryfoldError | undefined {
    const reason = this.#reason ?? this.#explain(signal, output);
    return reason === undefined ? undefined : new CryfoldError('OUT_OF_MEMORY', reason, { hint: this.#hint });
  }

  /** Looks at its memory, MiB, and ends it above its limit. */
  look(): number {
    const { anonymous, data } = memoryOf(this.process.pid ?? 0);
    this.#peakData = Math.max(this.#peakData, data);
    if (anonymous > this.limitMb)
      this.end(`it used ${Math.ceil(anonymous)} MiB of memory and may use ${this.limitMb} MiB`);
    return anonymous;
  }

  /** Ends it for its use of memory. */
  end(reason: string): void {
    this.#reason ??= reason;
    this.process.kill('SIGKILL');
  }

  #explain(signal: NodeJS.Signals | null, output: string): string | undefined {
    if (signal === 'SIGKILL' && oomKills() > this.#oomKills) {
      return 'the kernel killed it because the machine or its cgroup ran out of memory';
    }
    // Allocators fill the address space to its limit before they fail, unless it was one huge allocation.
    const full = signal !== null && FAULTS.has(signal) && this.#peakData > 0.8 * this.#hardMb;
    if (full || abortedForMemory(output))
      return `it ended${signal ? ` by ${signal}` : ''} because an allocation failed`;
    return undefined;
  }

  /** A process that was killed cannot remove its temporary folders. */
  #removeTemporary(): void {
    try {
      for (const name of readdirSync(tmpdir())) {
        if (/^cryfold-[a-z]+-([0-9a-f]{16})-\w{6}$/.exec(name)?.[1] !== this.#token) continue;
        rmSync(join(tmpdir(), name), { recursive: true, force: true });
      }
    } catch {
      // There is no such folder, or somebody else has removed it.
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
  const used = [...watched].map((child) => ({ child, mb: child.look() })).sort((a, b) => b.mb - a.mb);
  if (used.length < 2) return;
  const together = used.reduce((sum, { mb }) => sum + mb, 0);
  // A larger limit that somebody set is theirs to answer for.
  const most = Math.max(defaultChildMemoryMb(), ...used.map(({ child }) => child.limitMb));
  if (together <= most) return;
  const [{ child, mb }] = used;
  const [all, own] = [together, mb].map(Math.ceil);
  child.end(
    `${used.length} child processes used ${all} MiB of memory together, this one ${own} MiB, and may use ${most} MiB`,
  );
}

/**
 * A shell sets the limits of the process and becomes it: Node has no setrlimit. The kernel is not asked to kill the process
 * when its parent dies (PR_SET_PDEATHSIG): it ends by itself, and then removes its temporary folders.
 */
function limited(hardMb: number): ForkOptions {
  if (process.platform !== 'linux' || !existsSync(SHELL)) return {};
  const score = Math.min(1000, Number(readFileSync('/proc/self/oom_score_adj', 'utf8')) + EXPENDABLE);
  const script = `{ echo ${score} >/proc/self/oom_score_adj; ulimit -d ${Math.ceil(hardMb) * 1024}; } 2>/dev/null; exec "$0" "$@"`;
  return { execPath: SHELL, execArgv: ['-c', script, process.execPath, ...process.execArgv] };
}
