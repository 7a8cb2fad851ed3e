import { encodeRecord } from '@cryfold/core';
import { type ModelCard, ModelRegistry, modelKeys, type Promotion, type RetrainRecord } from '@cryfold/model-registry';
import type { RunStore } from '@cryfold/store';
import { makeFinalModel } from './final-model.js';
import type { NewModel, Training, Watching } from './training.js';

export interface Decision {
  by: 'promote' | 'retrain';
  reason: string;
  /** What a retraining found */
  evidence?: Record<string, unknown> | undefined;
  /** `seq` of the promotion that the decision was about, 0 where there was no champion */
  expected?: number | undefined;
}

/**
 * What can be done to final models. Two implementations, as of `RunControl`: over the store (`StoreModels`), and over a
 * server's API (`HttpModels`). They are read through `ModelRegistry`, over the store of either.
 */
export interface ModelControl {
  /**
   * Writes a version; the same call again finds what is there.
   * @throws CryfoldError RUN_NOT_FOUND, RUN_FAILED, USAGE, CANCELLED, and what training throws
   */
  make(model: NewModel, watching: Watching): Promise<{ card: ModelCard; known: boolean }>;
  /** @throws CryfoldError PROMOTION_LOST, MODEL_NOT_FOUND */
  promote(name: string, version: string, decision: Decision): Promise<Promotion>;
  /** @throws CryfoldError MODEL_NOT_FOUND where there was no champion before the present one */
  rollback(name: string, reason: string): Promise<Promotion>;
  /** Keeps how the last retraining ended. */
  keepRetrain(record: RetrainRecord): Promise<void>;
}

/** Over a store. */
export class StoreModels implements ModelControl {
  readonly #registry: ModelRegistry;

  constructor(
    private readonly store: RunStore,
    private readonly training: Training,
  ) {
    this.#registry = new ModelRegistry(store.artifacts);
  }

  make(model: NewModel, watching: Watching): Promise<{ card: ModelCard; known: boolean }> {
    return makeFinalModel(this.store, model, this.training, watching);
  }

  promote(name: string, version: string, { expected, ...what }: Decision): Promise<Promotion> {
    return this.#registry.promote(name, version, what, expected);
  }

  rollback(name: string, reason: string): Promise<Promotion> {
    return this.#registry.rollback(name, reason);
  }

  async keepRetrain(record: RetrainRecord): Promise<void> {
    await this.store.artifacts.put(modelKeys.lastRetrain(record.model), encodeRecord(record));
  }
}
