import { cpus } from 'node:os';
import { CryfoldError } from '@cryfold/core';
import { augmentationSteps, augmenting, balancing } from './augment/of-fold.js';
import type { CompileOptions } from './compile.js';
import { gpuModel } from './gpu-model.js';
import type { AnyArchitecture, NetworkSpec, TrainingParameters } from './models/architecture.js';
import type { Model } from './models/model.js';
import { FeatureExtractor, Network } from './network.js';
import { adam, adamW } from './optimizers/adam.js';
import { sgd } from './optimizers/sgd.js';
import { standardizationWeights, type Vectors } from './standardization.js';
import { loadTensorFlow, type ProcessSettings, type TensorFlow } from './tensorflow.js';
import { breathe, type FitOptions, type FitResult, type Fold, trainFold } from './training-loop.js';

/** The images of all clips, with vectors for a network that reads both. Folds refer to them by index. */
export interface FoldImages extends Partial<Vectors> {
  /** [n, height, width, 3], RGB */
  images: Uint8Array;
  height: number;
  width: number;
  /** Range of decibels that the colours cover, from the loudest one to black; default: 120 */
  decibels?: number | undefined;
  /** [n], 0 <= label < classCount */
  labels: Int32Array;
  classCount: number;
}

/** Output of `embed` for all clips, which is the input of a head whose backbone is frozen. */
export interface FoldEmbeddings {
  /** [n, length of the backbone's features] */
  embeddings: Float32Array;
  labels: Int32Array;
  classCount: number;
}

/** Vectors of all clips. The network standardises them with the statistics of the fold's training clips. */
export interface FoldVectors extends Vectors {
  labels: Int32Array;
  classCount: number;
}

/** The input of a network for all clips. */
export type FoldExamples = FoldImages | FoldEmbeddings | FoldVectors;

/**
 * Number of graphs to keep loaded: one for each network of a typical run, so that a child can alternate between them
 * without reloading.
 */
const KEPT_NETWORKS = 2;

/**
 * Trains networks fold by fold in this process. The graph of each network and shape is kept, so that only the first
 * fold has to build it. Equal data, folds, parameters, seeds and thread counts produce equal bytes on the same kind of
 * CPU.
 */
export class NetworkTrainer {
  readonly #tf: TensorFlow;
  /** Least recently used first. */
  readonly #networks = new Map<string, { network: Network; fed?: FoldExamples }>();

  /**
   * Everything, apart from the fold, that floating-point results depend on: TensorFlow's version, device, GPU, threads,
   * processor.
   */
  readonly environment: Record<string, string>;

  private constructor(tf: TensorFlow, environment: Record<string, string>) {
    this.#tf = tf;
    this.environment = environment;
  }

  /** @throws CryfoldError TENSORFLOW_MISSING */
  static async load(settings: ProcessSettings): Promise<NetworkTrainer> {
    const tf = loadTensorFlow(settings);
    const { binding, isUsingGpuDevice } = tf.backend() as unknown as {
      binding: { TF_Version: string };
      isUsingGpuDevice: boolean;
    };
    return new NetworkTrainer(tf, {
      tensorflow: binding.TF_Version,
      device: isUsingGpuDevice ? 'GPU' : 'CPU',
      threads: String(settings.threads),
      ...(settings.xla && { xla: 'auto-jit' }),
      // The id of the assigned GPU, which is replaced below if the GPU is used and nvidia-smi can report its name.
      ...(settings.gpu !== undefined && { gpu: settings.gpu }),
      ...(isUsingGpuDevice && (await gpuModel(settings.gpu))),
      processor: cpus()[0]?.model.trim() ?? 'unknown',
    });
  }

  /**
   * Trains a network on the training clips of a fold, and predicts the test clips. The event loop runs between steps.
   * @param data images, vectors, or embeddings to train the head of a frozen backbone
   * @throws CryfoldError NN_LOSS_NOT_FINITE, WEIGHTS_NOT_FOUND, WEIGHTS_INVALID, SPEC_INVALID, CHECKPOINT_DAMAGED,
   * FEATURES_INVALID for a column of vectors whose variance exceeds float32
   */
  async fit(data: FoldExamples, fold: Fold, spec: NetworkSpec, options: FitOptions): Promise<FitResult> {
    const { parameters } = spec;
    const { kind, epochs, batchSize, learningRate } = parameters;
    const weights = 'images' in data ? pretrainedWeights(parameters, options) : undefined;
    const network = await this.#network(data, spec);
    const vectors = vectorsOf(data);
    network.initialize(options.seed, vectors ? standardizationWeights(vectors, fold.train) : weights);
    return trainFold(
      network,
      fold,
      {
        name: kind,
        epochs,
        batchSize,
        learningRate,
        classes: data.classCount,
        ...balancing(data, fold.train, parameters),
        ...augmenting(parameters.augment, data),
        momentum: weights ? () => MOMENTUM : warmMomentum,
      },
      options,
    );
  }

  /**
   * Computes the features of all images with a backbone in inference mode. All folds with a frozen backbone share the
   * result of one pass.
   * @returns [n, length of the backbone's features]
   * @throws CryfoldError WEIGHTS_NOT_FOUND, WEIGHTS_INVALID
   */
  async embed(
    data: Pick<FoldImages, 'images' | 'height' | 'width'>,
    spec: NetworkSpec,
    options: Pick<FitOptions, 'seed' | 'weights' | 'onStep'>,
  ): Promise<Float32Array> {
    const { parameters } = spec;
    const weights = pretrainedWeights(parameters, options);
    const { features: layers, length } = backboneOf(spec);
    const extractor = await FeatureExtractor.load(
      this.#tf,
      { name: `${parameters.kind}-backbone`, inputShape: [data.height, data.width, 3], layers: layers() },
      parameters.precision,
    );
    try {
      extractor.initialize(options.seed, weights);
      const size = data.height * data.width * 3;
      const count = data.images.length / size;
      const features = new Float32Array(count * length);
      const total = Math.ceil(count / parameters.batchSize);
      for (let step = 0; step < total; step++) {
        const from = step * parameters.batchSize;
        const batch = data.images.subarray(from * size, (from + parameters.batchSize) * size);
        features.set(extractor.extract(batch), from * length);
        options.onStep?.(step + 1, total);
        await breathe();
      }
      return features;
    } finally {
      extractor.dispose();
    }
  }

  /** Closes all TensorFlow sessions of this trainer. */
  dispose(): void {
    for (const { network } of this.#networks.values()) network.dispose();
    this.#networks.clear();
  }

  /** Returns the network for this data and these parameters, with its examples loaded. */
  async #network(data: FoldExamples, spec: NetworkSpec): Promise<Network> {
    const model = buildModel(data, spec);
    const { epochs, batchSize, learningRate, classWeight, balance, augment, ...compiled } = spec.parameters;
    const steps = augmentationSteps(augment, data);
    const key = JSON.stringify([compiled, model.inputShape, data.classCount, steps, model.vectors]);
    let entry = this.#networks.get(key);
    this.#networks.delete(key);
    if (!entry) {
      for (const [old, { network }] of this.#networks) {
        if (this.#networks.size < KEPT_NETWORKS) break;
        network.dispose();
        this.#networks.delete(old);
      }
      const options = { ...compileOptions(model, spec), ...(steps && { augment: steps }) };
      entry = { network: await Network.load(this.#tf, model, data.classCount, options) };
    }
    this.#networks.set(key, entry);
    if (entry.fed !== data) {
      entry.network.feed(
        examplesOf(data),
        data.labels,
        model.vectors === undefined ? undefined : vectorsOf(data)?.vectors,
      );
      entry.fed = data;
    }
    return entry.network;
  }
}

function examplesOf(data: FoldExamples): Uint8Array | Float32Array {
  if ('images' in data) return data.images;
  return 'vectors' in data ? data.vectors : data.embeddings;
}

function vectorsOf(data: FoldExamples): Vectors | undefined {
  if (!('vectors' in data) || !data.vectors || data.columns === undefined) return undefined;
  return { vectors: data.vectors, columns: data.columns };
}

function buildModel(data: FoldExamples, spec: NetworkSpec): Model {
  const { architecture, parameters } = spec;
  if (!('embeddings' in data)) return architecture.build(data, data.classCount, parameters);
  const { head, length } = backboneOf(spec);
  return { name: `${parameters.kind}-head`, inputShape: [length], layers: head(data.classCount, parameters) };
}

function backboneOf({ architecture, parameters }: NetworkSpec): NonNullable<AnyArchitecture['backbone']> {
  if (architecture.backbone) return architecture.backbone;
  throw invalid(parameters.kind, 'it has no backbone, so it can only be trained on images');
}

/** Returns the loaded weights from which a network starts; undefined for random weights. */
function pretrainedWeights(parameters: TrainingParameters, { weights }: Pick<FitOptions, 'weights'>) {
  const source = parameters.weights ?? 'random';
  if (source === 'random') return undefined;
  if (!weights) throw notLoaded(source);
  return weights;
}

const OPTIMIZERS = { adam, adamw: adamW, sgd: () => sgd(0.9) };

function compileOptions(model: Model, { architecture, parameters }: NetworkSpec): CompileOptions {
  const { optimizer, precision, backbone = 'full' } = parameters;
  const options = { optimizer: OPTIMIZERS[optimizer](), precision };
  if (backbone === 'full') return options;
  const names = model.layers.map((layer) => layer.name);
  const last = architecture.backbone?.features().at(-1)?.name ?? '';
  const first = backbone === 'frozen' ? names.indexOf(last) + 1 : names.indexOf(backbone.from);
  if (first < 0) throw invalid('backbone.from', `${model.name} has no layer ${(backbone as { from: string }).from}`);
  const trained = new Set(names.slice(first));
  return { ...options, trained: (layer) => trained.has(layer) };
}

/** Keras's default momentum of BatchNormalization's moving statistics. */
const MOMENTUM = 0.99;

/**
 * With random weights, the moving statistics start at 0 and 1. After the paper's 111 steps, these values would still
 * have a weight of .99 ** 111 = 33 %, and predictions would be noise. Therefore, the momentum starts low and rises to
 * Keras's value: min(.99, (1 + t) / (10 + t)), TensorFlow's rule for ExponentialMovingAverage with num_updates.
 */
function warmMomentum(step: number): number {
  return Math.min(MOMENTUM, (1 + step) / (10 + step));
}

function notLoaded(weights: string): CryfoldError {
  return new CryfoldError('WEIGHTS_NOT_FOUND', `weights ${weights} are not loaded`, {
    context: { weights },
    hint: 'Load them with loadKerasWeights and pass them, or use `weights: random`.',
  });
}

function invalid(key: string, message: string): CryfoldError {
  return new CryfoldError('SPEC_INVALID', `${key}: ${message}`, {
    context: { key },
    hint: 'Correct this key of the estimator.',
  });
}
