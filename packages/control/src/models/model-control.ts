import type { ArtifactStore } from '@cryfold/artifacts';
import { encodeRecord } from '@cryfold/core';
import { type ModelCard, ModelRegistry, modelKeys, type Promotion, type RetrainRecord } from '@cryfold/models';
import type { FinalResult, RunPlan } from '@cryfold/plan';
import { makeFinalModel } from './final-model.js';

/** A model that a finished run evaluated, to be refitted on all data. */
export interface NewModel {
  run: string;
  /** Which of the run's estimators or fusions */
  of: string;
  /** Of the model */
  name: string;
}

export interface Watching {
  signal: AbortSignal;
  onProgress: (text: string) => void;
}

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

/** Tells how far the training of an estimator on all clips is, in steps of it or in words. */
export function trainingProgress(plan: RunPlan, trial: string, onProgress: (text: string) => void) {
  const say = (rest: string) => onProgress(`training ${trial} on all ${plan.dataset.clips} clips${rest}`);
  const steps = (done: number, total: number) => say(`: ${Math.floor((100 * done) / total)} %`);
  return { say, steps };
}

/** Trains an estimator of a plan on all clips. */
export type TrainMember = (plan: RunPlan, trial: string, watching: Watching) => Promise<FinalResult>;

/** Over a store. */
export class StoreModels implements ModelControl {
  readonly #registry: ModelRegistry;

  constructor(
    private readonly store: ArtifactStore,
    private readonly train: TrainMember,
  ) {
    this.#registry = new ModelRegistry(store);
  }

  make(model: NewModel, watching: Watching): Promise<{ card: ModelCard; known: boolean }> {
    return makeFinalModel(this.store, model, this.train, watching);
  }

  promote(name: string, version: string, { expected, ...what }: Decision): Promise<Promotion> {
    return this.#registry.promote(name, version, what, expected);
  }

  rollback(name: string, reason: string): Promise<Promotion> {
    return this.#registry.rollback(name, reason);
  }

  async keepRetrain(record: RetrainRecord): Promise<void> {
    await this.store.put(modelKeys.lastRetrain(record.model), encodeRecord(record));
  }
}
