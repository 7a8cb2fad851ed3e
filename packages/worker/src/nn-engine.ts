import { type ArtifactStore, readArtifact } from '@cryfold/artifacts';
import {
  CryfoldError,
  decodeNpy,
  deriveSeed,
  type EpochPoint,
  encodeNpy,
  finalLoss,
  type ResNet50Parameters,
  redactUrl,
} from '@cryfold/core';
import {
  backboneWeights,
  encodeTrainedModel,
  type FoldEmbeddings,
  type FoldImages,
  loadKerasWeights,
  type NetworkParameters,
  NetworkTrainer,
  type ProcessSettings,
  resnet50WeightShapes,
  resolveWeights,
  type WeightMap,
} from '@cryfold/nn';
import {
  accuracyOf,
  type Engine,
  LastValue,
  readImages,
  readLabels,
  saveModelFiles,
  trainingLabels,
} from './engine.js';
import type { FoldOutput, Task } from './messages.js';

type Progress = (done: number, total: number) => void;

type FoldTask = Task & { kind: 'fold' };

/** Trains network folds in one process, whose threads, XLA and GPU are fixed when TensorFlow starts. */
export async function createNnEngine(settings: ProcessSettings): Promise<Engine> {
  const trainer = await NetworkTrainer.load(settings);
  // The same object for all folds of a run, so that the trainer feeds the images into TensorFlow once.
  const data = new LastValue<FoldImages | FoldEmbeddings>();
  const weights = new LastValue<WeightMap>();

  async function loadWeights(
    estimator: ResNet50Parameters,
    cacheDir: string,
    store: ArtifactStore,
  ): Promise<{ weights?: WeightMap }> {
    const source = estimator.weights;
    if (source === 'random') return {};
    // Whoever planned the run has put the file into the store; a path or URL would be this machine's.
    if (!source.startsWith('store:')) {
      throw new CryfoldError('WEIGHTS_INVALID', `${redactUrl(source)}: a worker takes weights from the store only`, {
        hint: 'Start the run again with cryfold run, which puts the file into the store.',
      });
    }
    const loaded = await weights.get(source, async () => {
      const { path } = await resolveWeights(source, {
        cacheDirectory: cacheDir,
        fetchContent: async (key) => (await store.open(key))?.stream,
      });
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

  async function fold(
    task: FoldTask,
    store: ArtifactStore,
    onStep: Progress,
    onEpoch: (point: EpochPoint) => void,
  ): Promise<FoldOutput> {
    const { estimator, checkpoint, seed, model } = task;
    if (estimator.kind === 'svm') throw new CryfoldError('JOB_INVALID', 'an SVM fold on a network worker');
    const kept = await data.get([task.dataset, task.features, task.embeddings].join(), () => readData(task, store));
    const examples = task.shuffled ? { ...kept, labels: trainingLabels(kept.labels, task) } : kept;
    const resume = checkpoint && (await store.get(checkpoint));
    const loaded = estimator.kind === 'tl-resnet50' ? await loadWeights(estimator, task.cacheDir, store) : {};
    const { probabilities, curve, weights } = await trainer.fit(
      examples,
      { train: Int32Array.from(task.train), test: Int32Array.from(task.test) },
      estimator,
      {
        seed,
        onStep,
        onEpoch,
        keepWeights: model !== undefined,
        ...loaded,
        ...(checkpoint && {
          checkpoint: { ...(resume && { resume }), save: (bytes: Uint8Array) => store.put(checkpoint, bytes) },
        }),
      },
    );
    const { classCount, labels } = kept;
    const matrix = { rows: task.test.length, columns: classCount, data: Float64Array.from(probabilities) };
    return {
      probabilities: matrix,
      accuracy: accuracyOf(matrix, labels, task.test),
      curve,
      environment: trainer.environment,
      ...(model &&
        weights &&
        (task.test.length === 0 || finalLoss({ curve }) <= model.atMost) && {
          model: await saveModel(task, model.folder, new Map([...backboneOf(task, loaded.weights), ...weights]), store),
        }),
    };
  }

  /** What a head that was trained on embeddings lacks. */
  function backboneOf({ embeddings }: FoldTask, given: WeightMap | undefined): WeightMap {
    return embeddings ? backboneWeights(deriveSeed(embeddings), given) : new Map();
  }

  /** The child writes the files itself: ResNet50's 190 MB are too much for a message. */
  async function saveModel(task: FoldTask, folder: string, weights: WeightMap, store: ArtifactStore) {
    const parameters = task.estimator as NetworkParameters;
    const { shape } = await readImages(store, task.features);
    const { manifest } = await readLabels(store, task.dataset);
    const image = { height: shape[1], width: shape[2] };
    const files = await encodeTrainedModel({ parameters, image, classes: manifest.classes, weights });
    return saveModelFiles(store, folder, files);
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
    async run(task, store, onProgress, onEpoch) {
      if (task.kind === 'fold') return fold(task, store, onProgress, onEpoch);
      if (task.kind !== 'embeddings') {
        throw new CryfoldError('JOB_INVALID', `${task.kind} is no work for a network worker`);
      }
      await embed(task, store, onProgress);
      return undefined;
    },
  };
}
