import { encodeRecord } from '@cryfold/core';
import { type ModelCard, ModelRegistry, modelKeys, type Promotion, type RetrainRecord } from '@cryfold/model-registry';
import type { RunStore } from '@cryfold/store';
import { makeFinalModel } from './final-model.js';
import type { Follower, NewModel, Training } from './training.js';

export interface Decision {
  by: 'promote' | 'retrain';
  reason: string;
  /** What a retraining found */
  evidence?: Record<string, unknown> | undefined;
  /** `seq` of the promotion on which the decision is based; 0 if there was no champion */
  expected?: number | undefined;
}

/**
 * Operations on final models. As with `RunControl`, there are two implementations: `StoreModels` for a store, and
 * `HttpModels` for a server's API. To read models, create a `ModelRegistry` on the artifacts of a `RunStore` or on an
 * `HttpStore`.
 */
export interface ModelControl {
  /**
   * Trains and saves a version. Idempotent: repeating the call returns the existing version.
   * @throws CryfoldError RUN_NOT_FOUND, RUN_FAILED, USAGE, CANCELLED; also any error that occurs during training
   */
  make(model: NewModel, follower: Follower): Promise<{ card: ModelCard; known: boolean }>;
  /** @throws CryfoldError PROMOTION_LOST, MODEL_NOT_FOUND */
  promote(name: string, version: string, decision: Decision): Promise<Promotion>;
  /** @throws CryfoldError MODEL_NOT_FOUND if there is no previous champion */
  rollback(name: string, reason: string): Promise<Promotion>;
  /** Saves the outcome of the last retraining. */
  keepRetrain(record: RetrainRecord): Promise<void>;
}

/** Manages the models of a store. */
export class StoreModels implements ModelControl {
  readonly #registry: ModelRegistry;

  constructor(
    private readonly store: RunStore,
    private readonly training: Training,
  ) {
    this.#registry = new ModelRegistry(store.artifacts);
  }

  make(model: NewModel, follower: Follower): Promise<{ card: ModelCard; known: boolean }> {
    return makeFinalModel(this.store, model, this.training, follower);
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
