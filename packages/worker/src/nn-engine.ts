import type { ArtifactStore } from '@cryfold/artifacts';
import { CryfoldError } from '@cryfold/core';
import {
  type FoldImages,
  loadKerasWeights,
  NetworkTrainer,
  resnet50WeightShapes,
  resolveWeights,
  type WeightMap,
} from '@cryfold/nn';
import { type Engine, LastValue, readImages, readLabels } from './engine.js';
import type { FoldOutput, Task } from './messages.js';

type Progress = (done: number, total: number) => void;

/** Trains network folds in one TensorFlow session with a fixed number of threads. */
export async function createNnEngine(threads: number): Promise<Engine> {
  const trainer = await NetworkTrainer.load({ threads });
  // The same object for all folds of a run, so that the trainer feeds the images into TensorFlow once.
  const data = new LastValue<FoldImages>();
  const weights = new LastValue<WeightMap>();

  async function fold(task: Task & { kind: 'fold' }, store: ArtifactStore, onProgress: Progress): Promise<FoldOutput> {
    if (task.estimator.kind === 'svm') throw new CryfoldError('JOB_INVALID', 'an SVM fold on a network worker');
    const images = await data.get(`${task.dataset} ${task.features}`, async () => {
      const { manifest, labels } = await readLabels(store, task.dataset);
      const { shape, data: pixels } = await readImages(store, task.features);
      return { images: pixels, height: shape[1], width: shape[2], labels, classCount: manifest.classes.length };
    });
    const source = task.estimator.kind === 'tl-resnet50' ? task.estimator.weights : 'random';
    const pretrained =
      source === 'random'
        ? undefined
        : await weights.get(source, async () => {
            const { path } = await resolveWeights(source, {
              cacheDirectory: task.cacheDir,
              fetchBytes: (key) => store.get(key),
            });
            return loadKerasWeights(path, resnet50WeightShapes());
          });
    const { probabilities, curve } = await trainer.fit(
      images,
      { train: Int32Array.from(task.train), test: Int32Array.from(task.test) },
      task.estimator,
      { seed: task.seed, onStep: onProgress, ...(pretrained && { weights: pretrained }) },
    );
    return {
      probabilities: { rows: task.test.length, columns: images.classCount, data: Float64Array.from(probabilities) },
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
