import { CryfoldError } from '@cryfold/core';
import type { Making, ModelControl, NewModel } from '@cryfold/run-control';
import type { Logger } from '@cryfold/runtime';

/**
 * Maximum number of models that a process trains at the same time. Each may need the weights of a network, about 100
 * MB.
 */
const MOST = 4;
/** Milliseconds for which the outcome of a training is kept for clients. */
const KEPT_MS = 60_000;
/** A training is stopped if no client has polled it for this many milliseconds. */
const PATIENCE_MS = 10 * 60_000;

interface Known {
  making: Making;
  /** Time of the last poll in milliseconds since the Unix epoch */
  asked: number;
  /** Whether a client has received the outcome */
  delivered: boolean;
  stop: AbortController;
}

/**
 * Trains models for clients, which poll the progress. The state of a training is kept only in memory, but its finished
 * parts are in the store, so that another server, or this one after a restart, can continue from them.
 */
export class ModelMaker {
  readonly #models: ModelControl;
  readonly #log: Logger;
  readonly #known = new Map<string, Known>();

  constructor(models: ModelControl, log: Logger) {
    this.#models = models;
    this.#log = log;
  }

  /**
   * Starts a training unless it is already in progress. If there is an outcome that no client has received yet, returns
   * that first, since clients behind a proxy may reach a different server each time.
   * @throws CryfoldError API_BUSY
   */
  start(model: NewModel): Making {
    const key = keyOf(model);
    const known = this.#known.get(key);
    if (known && !known.delivered) return deliver(known);
    if ([...this.#known.values()].filter(({ making }) => making.state === 'making').length >= MOST) {
      throw new CryfoldError('API_BUSY', `${MOST} models are already being trained`, {
        hint: 'Try again when one of these models is ready.',
      });
    }
    const stop = new AbortController();
    const begun: Known = {
      making: { state: 'making', progress: 'checking the store' },
      ...{ asked: Date.now(), delivered: false, stop },
    };
    this.#known.set(key, begun);
    const watch = setInterval(() => Date.now() - begun.asked > PATIENCE_MS && stop.abort(), PATIENCE_MS / 10).unref();
    this.#make(model, begun).finally(() => {
      clearInterval(watch);
      setTimeout(() => this.#known.get(key) === begun && this.#known.delete(key), KEPT_MS).unref();
    });
    return begun.making;
  }

  /** @throws CryfoldError MODEL_NOT_FOUND if it was not requested recently */
  state(model: NewModel): Making {
    const known = this.#known.get(keyOf(model));
    if (known) return deliver(known);
    throw new CryfoldError('MODEL_NOT_FOUND', `${model.name} of run ${model.run} is not being trained by this server`);
  }

  /** Stops waiting. Workers continue the training. */
  stop(): void {
    for (const { stop } of this.#known.values()) stop.abort();
  }

  async #make(model: NewModel, known: Known): Promise<void> {
    const onProgress = (progress: string) => {
      known.making = { state: 'making', progress };
    };
    try {
      const { card, known: wasThere } = await this.#models.make(model, { signal: known.stop.signal, onProgress });
      known.making = { state: 'ready', version: card.version, known: wasThere };
    } catch (error) {
      if (!(error instanceof CryfoldError)) this.#log.error({ err: error, model }, 'training a model failed');
      const coded =
        error instanceof CryfoldError
          ? error
          : new CryfoldError('API_DEFECT', 'internal error; see the log of the server');
      known.making = { state: 'failed', error: coded.toRecord() };
    }
  }
}

function deliver(known: Known): Making {
  known.asked = Date.now();
  if (known.making.state !== 'making') known.delivered = true;
  return known.making;
}

const keyOf = ({ name, run, of }: NewModel) => JSON.stringify([name, run, of]);
