import { fileURLToPath } from 'node:url';
import { CryfoldError, type EpochPoint } from '@cryfold/core';
import { killGroup } from '@cryfold/estimators';
import { BoundedChild } from '@cryfold/runtime';
import type { FoldOutput, FromChild, Task, ToChild, Usage } from './messages.js';

const ENTRY = fileURLToPath(new URL('./training-child.js', import.meta.url));

/** Number of characters to keep of a child's standard error. */
const OUTPUT = 16_384;

/**
 * A child is replaced if, after a task, it uses more memory than this share of its limit, or more than `mostMb` MiB.
 */
const GROWN = { share: 0.75, mostMb: 4096 };

const HINT =
  'Lower batchSize, run fewer training processes on this machine, or add memory. CRYFOLD_CHILD_MEMORY_MB sets the limit per process.';

export interface ChildSettings {
  /** Number of TensorFlow's threads, and whether it uses XLA. */
  threads: number;
  xla: boolean;
  /** Memory limit. A process that exceeds the limit is killed with OUT_OF_MEMORY. */
  maxMemoryMb: number;
}

export interface TaskOptions {
  /** Kills the process */
  signal: AbortSignal;
  onProgress?: (done: number, total: number) => void;
  onEpoch?: (point: EpochPoint) => void;
}

/** Why a process was started, that is, why the previous process was replaced. */
export type StartReason = 'first' | 'died' | 'cancelled' | 'memory' | 'threads';

export interface ChildObserver {
  started(reason: StartReason): void;
  used(usage: Usage): void;
  /** The process is gone. */
  ended(): void;
}

/**
 * One training process, kept warm between jobs. Training blocks the child's event loop, so the parent renews the lock
 * of the job, relays progress, kills the child to cancel a job, and replaces it if it uses too much memory. (tfjs-node
 * crashes in worker_threads.)
 */
export class WarmChild {
  #process: BoundedChild | undefined;
  #started = '';
  #next = 0;
  #output = '';
  #reason: StartReason = 'first';
  /** Resolves when all killed processes have exited. */
  #ended: Promise<unknown> = Promise.resolve();
  /** A process group that the child has started, and that must not outlive it */
  #group: number | undefined;
  readonly #observer: ChildObserver | undefined;
  readonly #gpu: string | undefined;

  /** @param gpu the only GPU that its processes can see; default: as set in the environment */
  constructor(observer?: ChildObserver, gpu?: string) {
    this.#observer = observer;
    this.#gpu = gpu;
  }

  /** The most recent standard error output of the current or last task. */
  get recentOutput(): string {
    return this.#output;
  }

  /**
   * Runs one task at a time.
   * @throws CryfoldError any error that the child reports; OUT_OF_MEMORY or CHILD_DIED if the child exited without a
   * result; CANCELLED on abort
   */
  async run(settings: ChildSettings, task: Task, options: TaskOptions): Promise<FoldOutput | undefined> {
    const { signal, onProgress, onEpoch } = options;
    if (this.#process && this.#started !== this.#argument(settings)) await this.stop('threads');
    this.#output = '';
    const bounded = this.#process ?? this.#start(settings);
    const child = bounded.process;
    bounded.begin();
    const id = this.#next++;
    let rssBytes = 0;
    let spent = false;
    try {
      return await new Promise<FoldOutput | undefined>((resolve, reject) => {
        const cleanup = () => {
          child.off('message', onMessage);
          child.off('close', onExit);
          signal.removeEventListener('abort', onAbort);
        };
        const onMessage = (message: FromChild) => {
          if (message.id !== id) return;
          if (message.type === 'epoch') return onEpoch?.(message.point);
          if (message.type === 'group') {
            this.#group = message.group;
            return;
          }
          this.#observer?.used(message.usage);
          if (message.type === 'progress') return onProgress?.(message.done, message.total);
          cleanup();
          if (message.type === 'error') {
            spent = message.error.code === 'OUT_OF_MEMORY';
            return reject(CryfoldError.fromRecord(message.error));
          }
          rssBytes = message.usage.rssBytes;
          resolve(message.output);
        };
        const onExit = (code: number | null, by: NodeJS.Signals | null) => {
          cleanup();
          this.#process = undefined;
          const starved = bounded.outOfMemory(by, this.#output);
          spent = starved !== undefined;
          reject(starved ?? died(task.estimator.kind, code, by));
        };
        const onAbort = () => {
          cleanup();
          void this.stop('cancelled');
          reject(new CryfoldError('CANCELLED', 'the attempt was aborted'));
        };
        child.on('message', onMessage);
        // Wait for `close` rather than `exit`, because `exit` may be emitted before all output has been read.
        child.once('close', onExit);
        signal.addEventListener('abort', onAbort, { once: true });
        if (signal.aborted) return onAbort();
        child.send({ id, task } satisfies ToChild);
      });
    } finally {
      const most = Math.min(GROWN.mostMb, GROWN.share * settings.maxMemoryMb);
      if (spent || rssBytes > most * 2 ** 20) await this.stop('memory');
    }
  }

  /** Kills the process, if there is one, and waits until it and all previously killed processes have exited. */
  async stop(reason: StartReason = 'cancelled'): Promise<void> {
    const child = this.#process?.process;
    this.#reason = reason;
    this.#process = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      this.#ended = Promise.all([this.#ended, ended]);
      child.kill('SIGKILL');
    }
    await this.#ended;
  }

  #start(settings: ChildSettings): BoundedChild {
    this.#started = this.#argument(settings);
    const bounded = new BoundedChild(ENTRY, {
      args: [this.#started],
      limitMb: settings.maxMemoryMb,
      hint: HINT,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    const child = bounded.process;
    this.#observer?.started(this.#reason);
    this.#reason = 'died';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      this.#output = (this.#output + text).slice(-OUTPUT);
    });
    // A process that fails to start emits neither of these events.
    child.on('error', () => {
      if (child.pid === undefined) for (const event of ['exit', 'close']) child.emit(event, null, null);
    });
    child.once('exit', () => {
      if (this.#process === bounded) this.#process = undefined;
      if (this.#group !== undefined) killGroup(this.#group);
      this.#group = undefined;
      this.#observer?.ended();
    });
    this.#process = bounded;
    return bounded;
  }

  /** Returns the argument for starting the process. If it changes, the process must be replaced. */
  #argument({ threads, xla, maxMemoryMb }: ChildSettings): string {
    return JSON.stringify({ threads, xla, gpu: this.#gpu, maxMemoryMb });
  }
}

function died(engine: string, code: number | null, signal: string | null): CryfoldError {
  const how = signal ? `was killed by ${signal}` : `exited with code ${code}`;
  return new CryfoldError('CHILD_DIED', `the training child ${how}`, {
    context: { engine, ...(signal ? { signal } : {}) },
    hint: `The work will be retried in a new process.${signal === 'SIGSEGV' ? ' This can happen when convolutions run out of memory: lower batchSize.' : ''}`,
  });
}
