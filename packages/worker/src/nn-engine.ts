import { type ArtifactStore, readArtifact } from '@cryfold/artifacts';
import { CryfoldError, decodeNpy, deriveSeed, encodeNpy, type ResNet50Parameters } from '@cryfold/core';
import {
  type FoldEmbeddings,
  type FoldImages,
  loadKerasWeights,
  NetworkTrainer,
  resnet50WeightShapes,
  resolveWeights,
  type WeightMap,
} from '@cryfold/nn';
import { type Engine, LastValue, readImages, readLabels, trainingLabels } from './engine.js';
import type { FoldOutput, Task } from './messages.js';

type Progress = (done: number, total: number) => void;

type FoldTask = Task & { kind: 'fold' };

/** Trains network folds in one TensorFlow session with a fixed number of threads. */
export async function createNnEngine(threads: number): Promise<Engine> {
  const trainer = await NetworkTrainer.load({ threads });
  // The same object for all folds of a run, so that the trainer feeds the images into TensorFlow once.
  const data = new LastValue<FoldImages | FoldEmbeddings>();
  const weights = new LastValue<WeightMap>();

  async function loadWeights(estimator: ResNet50Parameters, cacheDir: string, store: ArtifactStore) {
    const source = estimator.weights;
    if (source === 'random') return {};
    const loaded = await weights.get(source, async () => {
      const { path } = await resolveWeights(source, { cacheDirectory: cacheDir, fetchBytes: (key) => store.get(key) });
      return loadKerasWeights(path, resnet50WeightShapes());
    });
    return { weights: loaded };
  }

  async function readData(task: FoldTask, store: ArtifactStore): Promise<FoldImages | FoldEmbeddings> {
    const { manifest, labels } = await readLabels(store, task.dataset);
    const classCount = manifest.classes.length;
    if (task.embeddings) {
      const bytes = await readArtifact(store, task.embeddings);
      return { embeddings: decodeNpy(bytes, '<f4', 2, task.embeddings).data, labels, classCount };
    }
    const { shape, data: images } = await readImages(store, task.features);
    return { images, height: shape[1], width: shape[2], labels, classCount };
  }

  async function fold(task: FoldTask, store: ArtifactStore, onStep: Progress): Promise<FoldOutput> {
    const { estimator, checkpoint, seed } = task;
    if (estimator.kind === 'svm') throw new CryfoldError('JOB_INVALID', 'an SVM fold on a network worker');
    const kept = await data.get([task.dataset, task.features, task.embeddings].join(), () => readData(task, store));
    const examples = task.shuffled ? { ...kept, labels: trainingLabels(kept.labels, task) } : kept;
    const resume = checkpoint && (await store.get(checkpoint));
    const { probabilities, curve } = await trainer.fit(
      examples,
      { train: Int32Array.from(task.train), test: Int32Array.from(task.test) },
      estimator,
      {
        seed,
        onStep,
        ...(estimator.kind === 'tl-resnet50' && (await loadWeights(estimator, task.cacheDir, store))),
        ...(checkpoint && {
          checkpoint: { ...(resume && { resume }), save: (bytes: Uint8Array) => store.put(checkpoint, bytes) },
        }),
      },
    );
    return {
      probabilities: {
        rows: task.test.length,
        columns: examples.classCount,
        data: Float64Array.from(probabilities),
      },
      curve,
      environment: trainer.environment,
    };
  }

  /** One forward pass over all images, which serves every fold of a frozen backbone. */
  async function embed(task: Task & { kind: 'embeddings' }, store: ArtifactStore, onStep: Progress): Promise<void> {
    const { shape, data: images } = await readImages(store, task.features);
    const embeddings = await trainer.embed({ images, height: shape[1], width: shape[2] }, task.estimator, {
      // Random backbones must not differ between folds or runs.
      seed: deriveSeed(task.artifact),
      onStep,
      ...(await loadWeights(task.estimator, task.cacheDir, store)),
    });
    await store.put(task.artifact, encodeNpy(embeddings, [shape[0], embeddings.length / shape[0]]));
  }

  return {
    async run(task, store, onProgress) {
      if (task.kind === 'fold') return fold(task, store, onProgress);
      if (task.kind !== 'embeddings') {
        throw new CryfoldError('JOB_INVALID', `${task.kind} is no work for a network worker`);
      }
      await embed(task, store, onProgress);
      return undefined;
    },
  };
}
