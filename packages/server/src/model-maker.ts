import type { Making, ModelControl, NewModel } from '@cryfold/control';
import { CryfoldError } from '@cryfold/core';
import type { Logger } from '@cryfold/runtime';

/** Milliseconds for which a making that has ended is still told of. */
const TOLD = 60_000;

interface Known {
  making: Making;
  failed?: unknown;
}

/**
 * Models that are being made for clients, who ask again and again how far it is. Kept in memory only: what was trained
 * is in the store, so that a server which was started anew, or another one, goes on from there.
 */
export class ModelMaker {
  readonly #models: ModelControl;
  readonly #log: Logger;
  readonly #known = new Map<string, Known>();
  readonly #stopped = new AbortController();

  constructor(models: ModelControl, log: Logger) {
    this.#models = models;
    this.#log = log;
  }

  /** Begins, unless it is being made just now; what was made before is found by its key. */
  start(model: NewModel): Making {
    const key = keyOf(model);
    const known = this.#known.get(key);
    if (known?.making.state === 'making' && known.failed === undefined) return known.making;
    const begun: Known = { making: { state: 'making', progress: 'looking into the store' } };
    this.#known.set(key, begun);
    const onProgress = (progress: string) => {
      begun.making = { state: 'making', progress };
    };
    this.#models
      .make(model, { signal: this.#stopped.signal, onProgress })
      .then(
        ({ card: { version }, known }) => {
          begun.making = { state: 'ready', version, known };
        },
        (error) => {
          begun.failed = error;
          if (!(error instanceof CryfoldError)) this.#log.error({ err: error, ...model }, 'a model was not made');
        },
      )
      .finally(() => setTimeout(() => this.#forget(key, begun), TOLD).unref());
    return begun.making;
  }

  /** @throws CryfoldError as `ModelControl.make`; MODEL_NOT_FOUND where nobody asked for it lately */
  look(model: NewModel): Making {
    const known = this.#known.get(keyOf(model));
    if (!known) throw new CryfoldError('MODEL_NOT_FOUND', `${model.name} of run ${model.run} is not being made here`);
    if (known.failed !== undefined) throw known.failed;
    return known.making;
  }

  /** Leaves what is being trained to the workers. */
  stop(): void {
    this.#stopped.abort();
  }

  #forget(key: string, known: Known): void {
    if (this.#known.get(key) === known) this.#known.delete(key);
  }
}

const keyOf = ({ name, run, of }: NewModel) => JSON.stringify([name, run, of]);
