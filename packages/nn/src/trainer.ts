import { cpus } from 'node:os';
import { CryfoldError, deriveSeed, Random, type ResNet50Parameters, type SmallCnnParameters } from '@cryfold/core';
import type { Model } from './models/model.js';
import { resnet50 } from './models/resnet50.js';
import { smallCnn } from './models/small-cnn.js';
import { Network, type WeightMap } from './network.js';
import { adam } from './optimizers/adam.js';
import { loadTensorFlow, type TensorFlow } from './tensorflow.js';

/** One point of a learning curve. */
export interface EpochPoint {
  /** From 1. */
  epoch: number;
  /** Mean over the epoch's batches, each before its own update, as Keras reports it. */
  loss: number;
  accuracy: number;
  /** Over the test examples, after the epoch, in inference mode. */
  testLoss: number;
  testAccuracy: number;
  /** Wall-clock time of the epoch, its test pass included. */
  seconds: number;
}

/** The images of all clips; a fold picks from them by index. */
export interface FoldImages {
  /** [n, height, width, 3], RGB */
  images: Uint8Array;
  height: number;
  width: number;
  /** [n], 0 <= label < classCount */
  labels: Int32Array;
  classCount: number;
}

export interface FitOptions {
  /** Decides initial weights, batch order and dropout. */
  seed: number;
  /** The backbone's weights, where the parameters name a file rather than `random`. */
  weights?: WeightMap;
  onEpoch?: (point: EpochPoint) => void;
  /** After each step: steps done and steps in all. */
  onStep?: (done: number, total: number) => void;
}

export interface FitResult {
  /** [test, classCount], rows in the order of the fold's test indices, each summing to 1 */
  probabilities: Float32Array;
  curve: EpochPoint[];
}

/** Graphs kept loaded: one for each network of a run, so that a child alternates between them without a reload. */
const KEPT_NETWORKS = 2;

/**
 * Trains networks fold by fold in this process. It keeps the graph of each network and shape, so that only the first
 * fold pays for building it. Equal data, fold, parameters, seed and thread count give equal bytes on one kind of CPU.
 */
export class NetworkTrainer {
  readonly #tf: TensorFlow;
  /** Least recently used first. */
  readonly #networks = new Map<string, { network: Network; fed?: FoldImages }>();

  /** What float results depend on besides the fold: TensorFlow's version, device, threads, processor. */
  readonly environment: Record<string, string>;

  private constructor(tf: TensorFlow, threads: number) {
    this.#tf = tf;
    const { binding, isUsingGpuDevice } = tf.backend() as unknown as {
      binding: { TF_Version: string };
      isUsingGpuDevice: boolean;
    };
    this.environment = {
      tensorflow: binding.TF_Version,
      device: isUsingGpuDevice ? 'GPU' : 'CPU',
      threads: String(threads),
      processor: cpus()[0]?.model.trim() ?? 'unknown',
    };
  }

  /** @throws CryfoldError TENSORFLOW_MISSING */
  static async load({ threads }: { threads: number }): Promise<NetworkTrainer> {
    return new NetworkTrainer(loadTensorFlow({ threads }), threads);
  }

  /**
   * Trains a network on the train indices and predicts the test indices. The event loop runs between steps.
   * @throws CryfoldError NN_LOSS_NOT_FINITE, WEIGHTS_NOT_FOUND, WEIGHTS_INVALID
   */
  async fit(
    data: FoldImages,
    fold: { train: Int32Array; test: Int32Array },
    parameters: SmallCnnParameters | ResNet50Parameters,
    options: FitOptions,
  ): Promise<FitResult> {
    const { epochs, batchSize, learningRate } = parameters;
    const pretrained = parameters.kind === 'tl-resnet50' && parameters.weights !== 'random';
    if (pretrained && !options.weights) {
      throw new CryfoldError('WEIGHTS_NOT_FOUND', `the weights ${parameters.weights} were not loaded`, {
        context: { weights: parameters.weights },
        hint: 'Load them with loadKerasWeights and pass them on, or say `weights: random`.',
      });
    }
    const network = await this.#network(data, parameters);
    network.initialize(options.seed, pretrained ? options.weights : undefined);

    const total = epochs * Math.ceil(fold.train.length / batchSize);
    const curve: EpochPoint[] = [];
    let probabilities = new Float32Array();
    let done = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const start = performance.now();
      const order = fold.train.slice();
      new Random(deriveSeed(options.seed, 'epoch', epoch)).shuffle(order);
      let [loss, hits] = [0, 0];
      for (let from = 0; from < order.length; from += batchSize) {
        const batch = order.subarray(from, from + batchSize);
        const result = network.step(batch, {
          learningRate,
          seed: deriveSeed(options.seed, 'dropout', done),
          momentum: pretrained ? MOMENTUM : warmMomentum(done),
        });
        done++;
        if (!Number.isFinite(result.loss)) throw lossNotFinite(parameters.kind, epoch, done);
        loss += result.loss * batch.length;
        hits += result.hits;
        options.onStep?.(done, total);
        await breathe();
      }
      const test = await evaluateAll(network, fold.test, batchSize, data.classCount);
      probabilities = test.probabilities;
      const point = {
        epoch,
        loss: loss / order.length,
        accuracy: hits / order.length,
        testLoss: test.loss,
        testAccuracy: test.accuracy,
        seconds: (performance.now() - start) / 1000,
      };
      curve.push(point);
      options.onEpoch?.(point);
    }
    return { probabilities, curve };
  }

  /** Ends all TensorFlow sessions of this trainer. */
  dispose(): void {
    for (const { network } of this.#networks.values()) network.dispose();
    this.#networks.clear();
  }

  async #network(data: FoldImages, parameters: SmallCnnParameters | ResNet50Parameters): Promise<Network> {
    const model = buildModel(data, parameters);
    const { kind, dense } = parameters;
    const variant = kind === 'small-cnn' ? parameters.filters : parameters.dropout;
    const key = JSON.stringify([kind, data.height, data.width, data.classCount, dense, variant]);
    let entry = this.#networks.get(key);
    this.#networks.delete(key);
    if (!entry) {
      for (const [old, { network }] of this.#networks) {
        if (this.#networks.size < KEPT_NETWORKS) break;
        network.dispose();
        this.#networks.delete(old);
      }
      entry = { network: await Network.load(this.#tf, model, data.classCount, { optimizer: adam() }) };
    }
    this.#networks.set(key, entry);
    if (entry.fed !== data) {
      entry.network.feed(data.images, data.labels);
      entry.fed = data;
    }
    return entry.network;
  }
}

function buildModel(data: FoldImages, parameters: SmallCnnParameters | ResNet50Parameters): Model {
  return parameters.kind === 'small-cnn'
    ? smallCnn(data, data.classCount, parameters)
    : resnet50(data, data.classCount, parameters);
}

/** Keras's default momentum of BatchNormalization's moving statistics. */
const MOMENTUM = 0.99;

/**
 * With random weights the moving statistics start at nothing: after the paper's 111 steps, .99 ** 111 = 33 % of them
 * would still be the initial 0 and 1, and predictions would be noise. So the momentum starts low and rises to
 * Keras's: min(.99, (1 + t) / (10 + t)), TensorFlow's rule for ExponentialMovingAverage with num_updates.
 */
function warmMomentum(step: number): number {
  return Math.min(MOMENTUM, (1 + step) / (10 + step));
}

async function evaluateAll(network: Network, test: Int32Array, batchSize: number, classes: number) {
  const probabilities = new Float32Array(test.length * classes);
  let [loss, hits] = [0, 0];
  for (let from = 0; from < test.length; from += batchSize) {
    const result = network.evaluate(test.subarray(from, from + batchSize));
    probabilities.set(result.probabilities, from * classes);
    loss += result.loss;
    hits += result.hits;
    await breathe();
  }
  return { probabilities, loss: loss / test.length, accuracy: hits / test.length };
}

/** Lets messages, timers and signals through: TensorFlow's calls block the event loop. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function lossNotFinite(kind: string, epoch: number, step: number): CryfoldError {
  return new CryfoldError('NN_LOSS_NOT_FINITE', `${kind}: the loss is not finite in epoch ${epoch}, step ${step}`, {
    context: { estimator: kind, epoch, step },
    hint: 'Lower learningRate, or check the images.',
  });
}
