import { CryfoldError, deriveSeed, Random } from '@cryfold/core';
import type { Feed } from './graph/session.js';
import type { Network, WeightMap } from './network.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

/** One point of a learning curve. */
export interface EpochPoint {
  /** From 1. */
  epoch: number;
  /** Mean over the batches of the epoch. Each batch is measured before its update, as in Keras. */
  loss: number;
  accuracy: number;
  /** Measured on the test examples after the epoch, in inference mode. */
  testLoss: number;
  testAccuracy: number;
  /** Wall-clock time of the epoch in seconds, including its test pass. */
  seconds: number;
}

export interface Fold {
  /** Indices of the examples to train on, and of those to predict. */
  train: Int32Array;
  test: Int32Array;
}

export interface FitOptions {
  /** Determines the initial weights, the order of batches, and dropout. */
  seed: number;
  /** Weights of the backbone, if the parameters specify a file rather than `random`. */
  weights?: WeightMap;
  /** Whether to also return the trained weights. */
  keepWeights?: boolean;
  onEpoch?: (point: EpochPoint) => void;
  /** Called after each step with the number of steps done so far and in total. */
  onStep?: (done: number, total: number) => void;
  /** Saves the state of the training, and resumes from it after an interruption. The result is bit-identical. */
  checkpoint?: {
    /** The last content that was passed to `save`. */
    resume?: Uint8Array;
    /** Decides whether to save now. Called after each epoch except the last; if absent, every epoch is saved. */
    due?: (curve: readonly EpochPoint[]) => boolean;
    /** Called with a safetensors file of the weights and the optimiser's state. */
    save: (bytes: Uint8Array, epoch: number) => void | Promise<void>;
  };
}

export interface FitResult {
  /** [test, classCount], rows in the order of the fold's test indices, each summing to 1 */
  probabilities: Float32Array;
  curve: EpochPoint[];
  /**
   * Weights after the last epoch, including moving statistics, if requested. With embeddings, only those of the head.
   */
  weights?: WeightMap;
}

export interface LoopSettings {
  /** Name of the network in messages. */
  name: string;
  epochs: number;
  batchSize: number;
  learningRate: number;
  classes: number;
  classWeights?: Float32Array;
  /**
   * Returns the order of the training examples in an epoch, with as many entries as the fold has examples; default:
   * shuffled.
   */
  order?: (random: Random) => Int32Array;
  /** Draws how a batch of the given size is changed. */
  augment?: (examples: number, random: Random) => Record<string, Feed>;
  /** Momentum of the moving statistics, as a function of the number of steps done so far. */
  momentum: (step: number) => number;
}

/**
 * A float16 loss scale that is reached only if gradients overflow at every scale: the initial scale, halved 25 times.
 */
const LEAST_SCALE = 2 ** -10;

/** Trains an initialised network with loaded examples for all epochs of a fold. */
export async function trainFold(
  network: Network,
  fold: Fold,
  settings: LoopSettings,
  options: FitOptions,
): Promise<FitResult> {
  const { epochs, batchSize, learningRate, classes, classWeights, momentum, augment } = settings;
  const { order: drawOrder = (random) => shuffled(fold.train, random) } = settings;
  const perEpoch = Math.ceil(fold.train.length / batchSize);
  const curve = options.checkpoint?.resume ? resume(network, options.checkpoint.resume) : [];
  let probabilities = new Float32Array();
  for (let epoch = curve.length + 1; epoch <= epochs; epoch++) {
    const start = performance.now();
    const order = drawOrder(new Random(deriveSeed(options.seed, 'epoch', epoch)));
    let [loss, hits] = [0, 0];
    for (let index = 0; index < perEpoch; index++) {
      const batch = order.subarray(index * batchSize, (index + 1) * batchSize);
      const step = (epoch - 1) * perEpoch + index;
      const result = network.step(batch, {
        learningRate,
        seed: deriveSeed(options.seed, 'dropout', step),
        momentum: momentum(step),
        ...(classWeights && { classWeights }),
        ...(augment && {
          augmentation: augment(batch.length, new Random(deriveSeed(options.seed, 'augment', step))),
        }),
      });
      if (!Number.isFinite(result.loss)) throw lossNotFinite(settings.name, epoch, step + 1);
      if (result.scale !== undefined && result.scale < LEAST_SCALE) throw overflows(settings.name, epoch, step + 1);
      loss += result.loss * batch.length;
      hits += result.hits;
      options.onStep?.(step + 1, epochs * perEpoch);
      await breathe();
    }
    const test = await evaluateAll(network, fold.test, batchSize, classes);
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
    if (epoch < epochs && options.checkpoint && options.checkpoint.due?.(curve) !== false) {
      await options.checkpoint.save(
        encodeSafetensors({ tensors: network.save(), metadata: { curve: JSON.stringify(curve) } }),
        epoch,
      );
    }
  }
  return { probabilities, curve, ...(options.keepWeights && { weights: network.read() }) };
}

function shuffled(examples: Int32Array, random: Random): Int32Array {
  const order = examples.slice();
  random.shuffle(order);
  return order;
}

/**
 * Restores a network from a checkpoint, and returns the learning curve so far.
 * @throws CryfoldError CHECKPOINT_DAMAGED
 */
function resume(network: Network, bytes: Uint8Array): EpochPoint[] {
  try {
    const { tensors, metadata } = decodeSafetensors(bytes, 'checkpoint');
    network.restore(tensors);
    return JSON.parse(metadata.curve ?? '[]');
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof CryfoldError)) throw cause;
    throw new CryfoldError('CHECKPOINT_DAMAGED', `a checkpoint cannot be read: ${cause.message}`, { cause });
  }
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

/** Lets messages, timers and signals be handled, because TensorFlow's calls block the event loop. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function lossNotFinite(network: string, epoch: number, step: number): CryfoldError {
  return new CryfoldError('NN_LOSS_NOT_FINITE', `${network}: the loss is not finite in epoch ${epoch}, step ${step}`, {
    context: { estimator: network, epoch, step },
    hint: 'Lower learningRate, or check the images.',
  });
}

function overflows(network: string, epoch: number, step: number): CryfoldError {
  const where = `in epoch ${epoch}, step ${step}`;
  return new CryfoldError('NN_LOSS_NOT_FINITE', `${network}: gradients overflow float16 at any loss scale ${where}`, {
    context: { estimator: network, epoch, step },
    hint: 'Lower learningRate, or use precision: bfloat16, which has the same range as float32.',
  });
}
