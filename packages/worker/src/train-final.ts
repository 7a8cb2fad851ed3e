import { randomBytes } from 'node:crypto';
import { CryfoldError, deriveSeed, FORMATS } from '@cryfold/core';
import type { FinalRequest, FinalResult } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import type { GracePeriod } from './grace-period.js';
import { Training } from './training.js';
import { WarmChild } from './warm-child.js';

export interface FinalTraining {
  store: RunStore;
  storeUrl: string;
  request: FinalRequest;
  /** Cache folder for pretrained weights */
  cacheDir: string;
  childMemoryMb: number;
  /** Grace period of a worker that may be drained. If absent, an interrupted training starts from scratch */
  grace?: GracePeriod;
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/** Like `trainFinal`, but in a training child of this process and without Redis. */
export async function trainFinalHere(training: FinalTraining): Promise<FinalResult> {
  const child = new WarmChild();
  try {
    return await trainFinal(training, child);
  } finally {
    await child.stop();
  }
}

/**
 * Trains an estimator on all clips, like a fold without test clips, and saves the model. If a result already exists,
 * returns it unchanged.
 * @throws CryfoldError CANCELLED; also any error that occurs during training
 */
export async function trainFinal(final: FinalTraining, child: WarmChild): Promise<FinalResult> {
  const { store, storeUrl, request, cacheDir, childMemoryMb, grace, signal, onProgress } = final;
  const { key, dataset, features, vectors, decibels, clips, estimator, threads, xla, grouped, needed } = request;
  const known = await store.finals.result(key);
  if (known) return known;
  const settings = { threads, xla, maxMemoryMb: childMemoryMb };
  const inputs = { storeUrl, dataset, features, vectors, decibels, estimator, cacheDir };
  const training = new Training(child, settings, inputs);
  if (needed) await training.prepare(store, needed, signal);
  const attempt = `0-${randomBytes(6).toString('hex')}`;
  const started = performance.now();
  const checkpoint = grace?.checkpoint(store.finals.checkpoint(key), estimator, false);
  const task = {
    train: Array.from({ length: clips }, (_, i) => i),
    test: [],
    seed: deriveSeed(key, 'fold'),
    shuffled: false,
    grouped,
    prerequisite: needed?.artifact,
    checkpoint,
    model: { folder: store.finals.folder(key, attempt), atMost: Number.POSITIVE_INFINITY },
  };
  const output = await training.fold(task, { signal, onProgress }).catch(async (error) => {
    const damaged = error instanceof CryfoldError && error.code === 'CHECKPOINT_DAMAGED';
    if (checkpoint && damaged) await store.artifacts.delete(checkpoint.key).catch(() => {});
    throw error;
  });
  if (!output?.model) throw new CryfoldError('CHILD_DIED', 'the training child returned no model');
  const record: FinalResult = {
    ...{ format: FORMATS.final, key, attempt, model: output.model, seconds: (performance.now() - started) / 1000 },
    environment: { ...output.environment, node: process.version },
  };
  const committed = await store.finals.commit(record);
  if (checkpoint) await store.artifacts.delete(checkpoint.key);
  if (committed) return record;
  for (const file of output.model) await store.artifacts.delete(file.key);
  // Another process has committed first, so return its result.
  return trainFinal(final, child);
}
