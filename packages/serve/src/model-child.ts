import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CryfoldError } from '@cryfold/core';
import type { ModelCard, PredictOptions, RecordingPrediction } from '@cryfold/models';
import { BoundedChild, loadConfig } from '@cryfold/runtime';
import type { FromChild, ModelSource, Recording, ToChild } from './messages.js';

const ENTRY = fileURLToPath(new URL('./predict-child.js', import.meta.url));

interface Waiting {
  resolve: (predictions: RecordingPrediction[]) => void;
  reject: (error: CryfoldError) => void;
}

/** One version of a model in a process of its own, so that predicting never keeps the service from answering. */
export class ModelChild {
  readonly card: ModelCard;
  readonly #bounded: BoundedChild;
  readonly #process: ChildProcess;
  readonly #onDeath: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #retired = false;
  #drained: () => void = () => {};

  private constructor(bounded: BoundedChild, card: ModelCard, onDeath: () => void) {
    const { process } = bounded;
    this.#bounded = bounded;
    this.#process = process;
    this.#onDeath = onDeath;
    this.card = card;
    process.on('message', (message: FromChild) => this.#hear(message));
    process.once('exit', (code, signal) => {
      const ended = `the predicting process ended (${signal ?? `code ${code}`})`;
      const died =
        bounded.outOfMemory(signal) ?? new CryfoldError('CHILD_DIED', ended, { hint: 'Send the recording again.' });
      for (const { reject } of this.#waiting.values()) reject(died);
      this.#waiting.clear();
      this.#drained();
      this.#lose();
    });
  }

  /**
   * @param onDeath called when it ends without having been told to
   * @throws CryfoldError as loading the model does; CHILD_DIED
   */
  static async start(source: ModelSource, onDeath: () => void): Promise<ModelChild> {
    const bounded = new BoundedChild(ENTRY, {
      limitMb: loadConfig().childMemoryMb,
      hint: 'Send a shorter recording, or give the service more memory (CRYFOLD_CHILD_MEMORY_MB).',
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const child = bounded.process;
    const card = await new Promise<ModelCard>((resolve, reject) => {
      const onExit = () => {
        const starved = bounded.outOfMemory(child.signalCode);
        reject(starved ?? new CryfoldError('CHILD_DIED', 'the predicting process ended while it loaded'));
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
            : new CryfoldError('CHILD_DIED', 'the predicting process spoke out of turn'),
        );
      });
      child.send({ type: 'load', source } satisfies ToChild);
    });
    return new ModelChild(bounded, card, onDeath);
  }

  /** Recordings that wait for their prediction. */
  get pending(): number {
    return this.#waiting.size;
  }

  /**
   * Predictions run one after the other.
   * @throws CryfoldError as `ModelPredictor.predictRecording`; CHILD_DIED; PREDICTION_TIMEOUT after `seconds`, with
   * which the process ends, since nothing else can stop it
   */
  async predict(recordings: Recording[], options: PredictOptions, seconds: number): Promise<RecordingPrediction[]> {
    const id = this.#next++;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => {
          reject(
            new CryfoldError('PREDICTION_TIMEOUT', `no prediction within ${seconds} s`, {
              hint: 'Send a shorter recording, or a longer hop.',
            }),
          );
          this.#process.kill('SIGKILL');
          // Nobody else is to be sent there, though its end has not been heard yet.
          this.#lose();
        }, seconds * 1000);
        if (this.#waiting.size === 0) this.#bounded.begin();
        this.#waiting.set(id, { resolve, reject });
        this.#process.send({ type: 'predict', id, recordings, options } satisfies ToChild);
      });
    } finally {
      clearTimeout(timer);
      this.#forget(id);
    }
  }

  /** Ends the process once all that waits is answered, or at once. */
  async retire(atOnce = false): Promise<void> {
    this.#retired = true;
    if (!atOnce && this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
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

  #hear(message: FromChild): void {
    if (message.type !== 'done' && message.type !== 'error') return;
    const waiting = this.#waiting.get(message.id);
    if (message.type === 'done') waiting?.resolve(message.predictions);
    else waiting?.reject(CryfoldError.fromRecord(message.error));
  }

  #forget(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#drained();
  }
}
