import { randomBytes } from 'node:crypto';
import { type ArtifactStore, readFinal } from '@cryfold/artifacts';
import { CryfoldError, deriveSeed, encodeRecord } from '@cryfold/core';
import { type FinalRequest, type FinalResult, storeKeys } from '@cryfold/plan';
import type { Task } from './messages.js';
import { WarmChild } from './warm-child.js';

export interface FinalTraining {
  store: ArtifactStore;
  storeUrl: string;
  request: FinalRequest;
  /** Where pretrained weights are kept */
  cacheDir: string;
  childMemoryMb: number;
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/** As `trainFinal`, in a training child of this process: needs no Redis. */
export async function trainFinalHere(training: FinalTraining): Promise<FinalResult> {
  const child = new WarmChild();
  try {
    return await trainFinal(training, child);
  } finally {
    await child.stop();
  }
}

/**
 * Trains an estimator on all clips: a fold without test clips, whose model is kept. What was trained before, by
 * anybody, is found by its key.
 * @throws CryfoldError as training does; CANCELLED
 */
export async function trainFinal(training: FinalTraining, child: WarmChild): Promise<FinalResult> {
  const { store, storeUrl, request, cacheDir, childMemoryMb, signal, onProgress } = training;
  const { key, dataset, features, clips, estimator, threads, xla, grouped, needed } = request;
  const known = await readFinal(store, key);
  if (known) return known;
  const settings = { threads, xla, maxMemoryMb: childMemoryMb };
  const inputs = { storeUrl, dataset, features, estimator, cacheDir };
  if (needed && !(await store.has(needed.artifact))) {
    await child.run(settings, { kind: 'prepare', ...inputs, artifact: needed.artifact }, signal, () => {});
  }
  const attempt = `0-${randomBytes(6).toString('hex')}`;
  const started = performance.now();
  const task: Task = {
    ...{ kind: 'fold', ...inputs, grouped },
    train: Array.from({ length: clips }, (_, i) => i),
    test: [],
    seed: deriveSeed(key, 'fold'),
    shuffled: false,
    prerequisite: needed?.artifact,
    checkpoint: undefined,
    model: { folder: storeKeys.finalAttempt(key, attempt), atMost: Number.POSITIVE_INFINITY },
  };
  const output = await child.run(settings, task, signal, onProgress);
  if (!output?.model) throw new CryfoldError('CHILD_DIED', 'the training child returned no model');
  const record: FinalResult = {
    ...{ format: 1, key, attempt, model: output.model, seconds: (performance.now() - started) / 1000 },
    environment: { ...output.environment, node: process.version },
  };
  if (await store.putIfAbsent(storeKeys.final(key), encodeRecord(record))) return record;
  for (const file of output.model) await store.delete(file.key);
  // Somebody else was first: that one is the model.
  return trainFinal(training, child);
}
