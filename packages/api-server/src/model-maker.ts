import { CryfoldError } from '@cryfold/core';
import type { Making, ModelControl, NewModel } from '@cryfold/run-control';
import type { Logger } from '@cryfold/runtime';

/** Models that one process makes at once: each may hold a network's weights, some 100 MB. */
const MOST = 4;
/** Milliseconds for which the end of a making is kept for whoever asks. */
const KEPT_MS = 60_000;
/** Milliseconds after which a making that nobody asks for is given up. */
const PATIENCE_MS = 10 * 60_000;

interface Known {
  making: Making;
  /** When somebody asked last, ms since the epoch */
  asked: number;
  /** Whether somebody heard how it ended */
  told: boolean;
  stop: AbortController;
}

/**
 * Models that are being made for clients, who ask again and again how far it is. Kept in memory only: what was trained
 * is in the store, so that a server which was started anew, or another one, goes on from there.
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
   * Begins, unless it is being made just now. An end that nobody has heard of is told first: behind a proxy, those who
   * ask may reach another server every time.
   * @throws CryfoldError API_BUSY
   */
  start(model: NewModel): Making {
    const key = keyOf(model);
    const known = this.#known.get(key);
    if (known && !known.told) return tell(known);
    if ([...this.#known.values()].filter(({ making }) => making.state === 'making').length >= MOST) {
      throw new CryfoldError('API_BUSY', `${MOST} models are being made already`, {
        hint: 'Ask again when one of them is ready.',
      });
    }
    const stop = new AbortController();
    const begun: Known = {
      making: { state: 'making', progress: 'looking into the store' },
      ...{ asked: Date.now(), told: false, stop },
    };
    this.#known.set(key, begun);
    const watch = setInterval(() => Date.now() - begun.asked > PATIENCE_MS && stop.abort(), PATIENCE_MS / 10).unref();
    this.#make(model, begun).finally(() => {
      clearInterval(watch);
      setTimeout(() => this.#known.get(key) === begun && this.#known.delete(key), KEPT_MS).unref();
    });
    return begun.making;
  }

  /** @throws CryfoldError MODEL_NOT_FOUND where nobody asked for it lately */
  look(model: NewModel): Making {
    const known = this.#known.get(keyOf(model));
    if (known) return tell(known);
    throw new CryfoldError('MODEL_NOT_FOUND', `${model.name} of run ${model.run} is not being made here`);
  }

  /** Leaves what is being trained to the workers. */
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
      if (!(error instanceof CryfoldError)) this.#log.error({ err: error, model }, 'a model was not made');
      const coded =
        error instanceof CryfoldError ? error : new CryfoldError('API_DEFECT', 'the server met a defect of cryfold');
      known.making = { state: 'failed', error: coded.toRecord() };
    }
  }
}

function tell(known: Known): Making {
  known.asked = Date.now();
  if (known.making.state !== 'making') known.told = true;
  return known.making;
}

const keyOf = ({ name, run, of }: NewModel) => JSON.stringify([name, run, of]);
