import { type ArtifactStore, readArtifact } from '@cryfold/artifacts';
import { CryfoldError, storeKeys } from '@cryfold/core';
import { NetworkTrainer } from '@cryfold/nn';
import { type Engine, LastValue, readImages, readLabels } from './engine.js';
import type { FoldOutput, Task } from './messages.js';

type Progress = (done: number, total: number) => void;

/** Trains network folds in one TensorFlow session with a fixed number of threads. */
export async function createNnEngine(threads: number): Promise<Engine> {
  const trainer = await NetworkTrainer.load({ threads });
  const labels = new LastValue<Awaited<ReturnType<typeof readLabels>>>();
  const images = new LastValue<Awaited<ReturnType<typeof readImages>>>();

  async function fold(task: Task & { kind: 'fold' }, store: ArtifactStore, onProgress: Progress): Promise<FoldOutput> {
    if (task.estimator.kind === 'svm') throw new CryfoldError('JOB_INVALID', 'an SVM fold on a network worker');
    const data = await labels.get(task.dataset, () => readLabels(store, task.dataset));
    const { shape, data: pixels } = await images.get(task.features, () => readImages(store, task.features));
    const classCount = data.manifest.classes.length;
    const { probabilities, curve } = await trainer.fit(
      { images: pixels, height: shape[1], width: shape[2], labels: data.labels, classCount },
      { train: Int32Array.from(task.train), test: Int32Array.from(task.test) },
      task.estimator,
      { seed: task.seed, onStep: onProgress },
    );
    return {
      probabilities: { rows: task.test.length, columns: classCount, data: Float64Array.from(probabilities) },
      curve,
      environment: trainer.environment,
    };
  }

  return {
    async run(task, store, onProgress) {
      if (task.kind !== 'fold') throw new CryfoldError('JOB_INVALID', `${task.kind} is no work for a network worker`);
      return fold(task, store, onProgress);
    },
  };
}
