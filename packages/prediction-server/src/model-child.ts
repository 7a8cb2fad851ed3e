import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CryfoldError } from '@cryfold/core';
import type { ModelCard, PredictOptions, RecordingPrediction } from '@cryfold/model-registry';
import { BoundedChild, loadConfig } from '@cryfold/runtime';
import type { FromChild, ModelSource, ToChild } from './messages.js';
import { stopping } from './prediction-queue.js';
import type { Recording } from './spool.js';

const ENTRY = fileURLToPath(new URL('./predict-child.js', import.meta.url));

interface Current {
  resolve: (predictions: RecordingPrediction[]) => void;
  reject: (error: CryfoldError) => void;
  timer: NodeJS.Timeout;
}

export interface ChildOptions {
  source: ModelSource;
  /** Whether to run programs that the model contains */
  allowCommands: boolean;
  /** Descriptor of the spool from which recordings are read */
  spool: number;
  /** Called if the process exits unexpectedly */
  onDeath: () => void;
}

/** Runs one version of a model in a child process, so that predicting never blocks the service. */
export class ModelChild {
  readonly card: ModelCard;
  readonly #bounded: BoundedChild;
  readonly #process: ChildProcess;
  readonly #onDeath: () => void;
  #current: Current | undefined;
  #retired = false;
  #idle: () => void = () => {};

  private constructor(bounded: BoundedChild, card: ModelCard, onDeath: () => void) {
    const { process } = bounded;
    this.#bounded = bounded;
    this.#process = process;
    this.#onDeath = onDeath;
    this.card = card;
    process.on('message', (message: FromChild) => this.#onMessage(message));
    process.once('exit', (code, signal) => {
      this.#take()?.reject(bounded.outOfMemory(signal) ?? died(code, signal));
      this.#lose();
    });
  }

  /** @throws CryfoldError any error that occurs while loading the model; CHILD_DIED, OUT_OF_MEMORY */
  static async start({ source, allowCommands, spool, onDeath }: ChildOptions): Promise<ModelChild> {
    const bounded = new BoundedChild(ENTRY, {
      limitMb: loadConfig().childMemoryMb,
      hint: 'Send a shorter recording, or give the service more memory (CRYFOLD_CHILD_MEMORY_MB).',
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', spool],
    });
    const child = bounded.process;
    const card = await new Promise<ModelCard>((resolve, reject) => {
      const onExit = () => {
        const starved = bounded.outOfMemory(child.signalCode);
        reject(starved ?? new CryfoldError('CHILD_DIED', 'the prediction process exited while loading the model'));
      };
      child.once('exit', onExit);
      child.once('error', onExit);
      child.once('message', (message: FromChild) => {
        child.off('exit', onExit);
        if (message.type === 'ready') return resolve(message.card);
        child.kill('SIGKILL');
        reject(
          message.type === 'failed'
            ? CryfoldError.fromRecord(message.error)
            : new CryfoldError('CHILD_DIED', 'unexpected message from the prediction process'),
        );
      });
      child.send({ type: 'load', source, allowCommands } satisfies ToChild);
    });
    return new ModelChild(bounded, card, onDeath);
  }

  /**
   * Predicts recordings. Callers must wait for the result before the next call.
   * @param seconds time limit
   * @throws CryfoldError any error that `ModelPredictor.predictRecording` throws; CHILD_DIED; PREDICTION_TIMEOUT after
   * `seconds`, in which case the process is killed, since nothing else can stop a prediction
   */
  predict(recordings: Recording[], options: PredictOptions, seconds: number): Promise<RecordingPrediction[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#take();
        // Marks the process as lost before the caller continues.
        this.#process.kill('SIGKILL');
        this.#lose();
        reject(
          new CryfoldError('PREDICTION_TIMEOUT', `the prediction took longer than ${seconds} s`, {
            hint: 'Send a shorter recording, or use a longer hop.',
          }),
        );
      }, seconds * 1000);
      this.#bounded.begin();
      this.#current = { resolve, reject, timer };
      this.#process.send({ type: 'predict', recordings, options } satisfies ToChild, (error) => {
        if (error) this.#take()?.reject(died(null, null));
      });
    });
  }

  /**
   * Stops the process after its current prediction, or immediately, in which case the prediction fails with
   * SERVER_BUSY.
   */
  async retire(atOnce = false): Promise<void> {
    this.#retired = true;
    if (atOnce) this.#take()?.reject(stopping());
    else if (this.#current) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  #lose(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#onDeath();
  }

  #onMessage(message: FromChild): void {
    if (message.type === 'done') this.#take()?.resolve(message.predictions);
    else if (message.type === 'error') this.#take()?.reject(CryfoldError.fromRecord(message.error));
  }

  #take(): Current | undefined {
    const current = this.#current;
    this.#current = undefined;
    clearTimeout(current?.timer);
    this.#idle();
    return current;
  }
}

function died(code: number | null, signal: NodeJS.Signals | null): CryfoldError {
  // If memory runs out, the kernel kills a process or V8 aborts it.
  const why = signal === 'SIGKILL' || signal === 'SIGABRT' ? ', probably out of memory' : '';
  return new CryfoldError('CHILD_DIED', `the prediction process exited (${signal ?? `code ${code}`}${why})`, {
    hint: 'Try again with a shorter recording. The operator can give the service more memory.',
  });
}
