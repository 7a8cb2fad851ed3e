import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CryfoldError, type EpochPoint } from '@cryfold/core';
import type { FoldOutput, FromChild, Task, ToChild, Usage } from './messages.js';

const ENTRY = fileURLToPath(new URL('./training-child.js', import.meta.url));

/** Characters of a child's standard error that are kept. */
const OUTPUT = 16_384;

export interface ChildSettings {
  /** TensorFlow's threads, and whether it uses XLA. */
  threads: number;
  xla: boolean;
  maxMemoryMb: number;
}

export interface TaskOptions {
  /** Kills the process */
  signal: AbortSignal;
  onProgress?: (done: number, total: number) => void;
  onEpoch?: (point: EpochPoint) => void;
}

/** Why a process was started: what became of the one before. */
export type StartReason = 'first' | 'died' | 'cancelled' | 'memory' | 'threads';

export interface ChildObserver {
  started(reason: StartReason): void;
  used(usage: Usage): void;
  /** The process is gone. */
  ended(): void;
}

/**
 * One training process, kept warm between jobs. Training blocks its event loop, so the parent keeps the lock,
 * relays progress, cancels by killing, and replaces a child whose memory has grown. (tfjs-node crashes in
 * worker_threads.)
 */
export class WarmChild {
  #process: ChildProcess | undefined;
  #started = '';
  #next = 0;
  #output = '';
  #reason: StartReason = 'first';
  readonly #observer: ChildObserver | undefined;
  readonly #gpu: string | undefined;

  /** @param gpu the one that its processes see; default: what the environment says */
  constructor(observer?: ChildObserver, gpu?: string) {
    this.#observer = observer;
    this.#gpu = gpu;
  }

  /** The end of what was written to standard error during the present or last task. */
  get recentOutput(): string {
    return this.#output;
  }

  /**
   * Runs one task; one at a time.
   * @throws CryfoldError as the child threw it; CHILD_DIED when it ended without an answer; CANCELLED on abort
   */
  async run(settings: ChildSettings, task: Task, options: TaskOptions): Promise<FoldOutput | undefined> {
    const { signal, onProgress, onEpoch } = options;
    if (this.#process && this.#started !== this.#argument(settings)) await this.stop('threads');
    this.#output = '';
    const child = this.#process ?? this.#start(settings);
    const id = this.#next++;
    let rssBytes = 0;
    let spent = false;
    try {
      return await new Promise<FoldOutput | undefined>((resolve, reject) => {
        const cleanup = () => {
          child.off('message', onMessage);
          child.off('exit', onExit);
          signal.removeEventListener('abort', onAbort);
        };
        const onMessage = (message: FromChild) => {
          if (message.id !== id) return;
          if (message.type === 'epoch') return onEpoch?.(message.point);
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
        const onExit = (code: number | null, by: string | null) => {
          cleanup();
          this.#process = undefined;
          // Node and C++ say so before they abort.
          const starved = /heap out of memory|std::bad_alloc/.test(this.#output);
          reject(
            new CryfoldError(
              starved ? 'OUT_OF_MEMORY' : 'CHILD_DIED',
              `training child ended ${by ? `by ${by}` : `with code ${code}`}`,
              {
                context: { estimator: task.estimator.kind, ...(by ? { signal: by } : {}) },
                hint: 'It is tried again on a fresh child. SIGKILL and SIGSEGV often mean out of memory: lower batchSize.',
              },
            ),
          );
        };
        const onAbort = () => {
          cleanup();
          void this.stop('cancelled');
          reject(new CryfoldError('CANCELLED', 'the attempt was taken back'));
        };
        child.on('message', onMessage);
        child.once('exit', onExit);
        signal.addEventListener('abort', onAbort, { once: true });
        if (signal.aborted) return onAbort();
        child.send({ id, task } satisfies ToChild);
      });
    } finally {
      if (spent || rssBytes > settings.maxMemoryMb * 2 ** 20) await this.stop('memory');
    }
  }

  /** Kills the process, if any, and waits for its end. */
  async stop(reason: StartReason = 'cancelled'): Promise<void> {
    const child = this.#process;
    this.#reason = reason;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  #start(settings: ChildSettings): ChildProcess {
    this.#started = this.#argument(settings);
    const child = fork(ENTRY, [this.#started], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#observer?.started(this.#reason);
    this.#reason = 'died';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      this.#output = (this.#output + text).slice(-OUTPUT);
    });
    // A process that could not be started has no exit to hear of.
    child.on('error', () => child.pid === undefined && child.emit('exit', null, null));
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined;
      this.#observer?.ended();
    });
    this.#process = child;
    return child;
  }

  /** What a process is told at its start, and another one is needed for if it changes. */
  #argument({ threads, xla }: ChildSettings): string {
    return JSON.stringify({ threads, xla, gpu: this.#gpu });
  }
}
