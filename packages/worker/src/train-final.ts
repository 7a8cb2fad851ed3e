import { randomBytes } from 'node:crypto';
import type { ArtifactStore } from '@cryfold/artifacts';
import {
  CryfoldError,
  decodeRecord,
  deriveSeed,
  encodeRecord,
  type FinalResult,
  finalKey,
  finalResultSchema,
  isGrouped,
  prerequisiteOf,
  type RunPlan,
  storeKeys,
} from '@cryfold/core';
import type { Task } from './messages.js';
import { WarmChild } from './warm-child.js';

export interface FinalTraining {
  store: ArtifactStore;
  storeUrl: string;
  plan: RunPlan;
  /** One of the plan's estimators */
  trial: string;
  /** Where pretrained weights are kept */
  cacheDir: string;
  childMemoryMb: number;
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/**
 * Trains an estimator of a run on all its clips, in a training child of this process: a fold without test clips, whose
 * model is kept. What was trained before, by anybody, is found by its key. Needs no Redis.
 * @throws CryfoldError as training does; CANCELLED
 */
export async function trainFinal(training: FinalTraining): Promise<FinalResult> {
  const { store, storeUrl, plan, trial, cacheDir, childMemoryMb, signal, onProgress } = training;
  const key = finalKey(plan, trial);
  const known = await store.get(storeKeys.final(key));
  if (known) return decodeRecord(finalResultSchema, known, storeKeys.final(key));
  const estimator = plan.spec.estimators[trial];
  const features = plan.features.key;
  const settings = {
    engine: estimator.kind === 'svm' ? ('svm' as const) : ('nn' as const),
    threads: plan.spec.threads,
    xla: plan.spec.xla ?? false,
    maxMemoryMb: childMemoryMb,
  };
  const child = new WarmChild();
  try {
    const needed = prerequisiteOf(plan, trial);
    if (needed && !(await store.has(needed.artifact))) {
      const task: Task =
        estimator.kind === 'tl-resnet50'
          ? { kind: 'embeddings', storeUrl, features, estimator, artifact: needed.artifact, cacheDir }
          : { kind: 'distances', storeUrl, features };
      await child.run(settings, task, signal, () => {});
    }
    const attempt = `0-${randomBytes(6).toString('hex')}`;
    const started = performance.now();
    const task: Task = {
      kind: 'fold',
      storeUrl,
      dataset: plan.dataset.key,
      features,
      estimator,
      train: Array.from({ length: plan.dataset.clips }, (_, i) => i),
      test: [],
      seed: deriveSeed(key, 'fold'),
      grouped: isGrouped(plan.spec.protocol.splitter),
      shuffled: false,
      embeddings: needed?.kind === 'embeddings' ? needed.artifact : undefined,
      checkpoint: undefined,
      model: { folder: storeKeys.finalAttempt(key, attempt), atMost: Number.POSITIVE_INFINITY },
      cacheDir,
    };
    const output = await child.run(settings, task, signal, onProgress);
    if (!output?.model) throw new CryfoldError('CHILD_DIED', 'the training child returned no model');
    const seconds = (performance.now() - started) / 1000;
    const record: FinalResult = {
      ...{ format: 1, key, attempt, model: output.model, seconds },
      environment: { ...output.environment, node: process.version },
    };
    if (await store.putIfAbsent(storeKeys.final(key), encodeRecord(record))) return record;
    for (const file of output.model) await store.delete(file.key);
  } finally {
    await child.stop();
  }
  // Somebody else was first: that one is the model.
  return trainFinal(training);
}
