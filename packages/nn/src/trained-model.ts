import { CryfoldError } from '@cryfold/core';
import { declaredWeights, weightShapes } from './forward.js';
import { encodeKerasFile } from './keras-file.js';
import { encodeLayersModel } from './layers-model.js';
import type { AnyArchitecture, NetworkSpec } from './models/architecture.js';
import type { Model } from './models/model.js';
import { initialValues, type WeightData, type WeightMap } from './network.js';
import { loadTensorFlow, type Tensor } from './tensorflow.js';

export interface TrainedModel {
  network: NetworkSpec;
  /** Of the images in pixels; they have three channels. */
  image: { height: number; width: number };
  /** The labels, in the order of the probabilities. */
  classes: readonly string[];
  /** All of the network: for a head that was trained on embeddings, `backboneWeights` too. */
  weights: WeightMap;
}

/**
 * The files of a trained network, by name: `model.json` and `weights.bin`, a TF.js LayersModel; `weights.h5`, which Keras
 * loads by layer name.
 *
 * A bias that the network does without and Keras's layer has is zeros in the h5 file.
 * It leaves the preprocessing out, which in Keras is a function (`resnet50.preprocess_input`) or has no weights.
 */
export async function encodeTrainedModel(trained: TrainedModel): Promise<Map<string, Uint8Array>> {
  const { image, classes, weights } = trained;
  const { architecture, parameters } = trained.network;
  const model = architecture.build(image, classes.length, parameters);
  const files = encodeLayersModel(model, weights, {
    cryfold: 1,
    input: 'pixels of 0 to 255, RGB, as they are: the preprocessing is part of the model',
    output: model.output?.meaning ?? 'the probability of each class',
    classes,
    estimator: parameters,
  });
  return files.set('weights.h5', await encodeKerasFile(withBiases(model, weights)));
}

function withBiases({ layers }: Model, weights: WeightMap): WeightMap {
  const folded = new Map(layers.map(({ name, foldedBias }) => [`${name}/kernel`, foldedBias]));
  const all = new Map<string, WeightData>();
  for (const [name, value] of weights) {
    all.set(name, value);
    const filters = folded.get(name);
    if (filters === undefined) continue;
    all.set(name.replace(/kernel$/, 'bias'), { shape: [filters], data: new Float32Array(filters) });
  }
  return all;
}

/** The weights of the backbone that `NetworkTrainer.embed` uses for this seed and these given weights. */
export function backboneWeights({ backbone }: AnyArchitecture, seed: number, given: WeightMap = new Map()): WeightMap {
  if (!backbone) return new Map();
  return new Map(Object.entries(initialValues(declaredWeights(backbone.features(), [64, 64, 3]), seed, given)));
}

/** Shapes of the weights of the backbone, by `layer/name`: what a pretrained file must hold. */
export function backboneShapes({ backbone }: AnyArchitecture): Map<string, readonly number[]> {
  return weightShapes(backbone?.features() ?? [], [64, 64, 3]);
}

/** The error for files of a model that cannot be loaded. */
export function corruptModel(cause: unknown): CryfoldError {
  return new CryfoldError('ARTIFACT_CORRUPT', `model.json: ${(cause as Error).message}`, {
    cause,
    context: { artifact: 'model.json' },
    hint: 'Train the model again.',
  });
}

/** A network read back from its LayersModel files. */
export interface LoadedNetwork {
  /** @returns [n, classes] for images [n, height, width, 3] */
  predict(images: Uint8Array): Float32Array;
  dispose(): void;
}

/**
 * Loads `model.json` and `weights.bin` of `encodeTrainedModel` into TensorFlow (1 thread).
 * @throws CryfoldError ARTIFACT_CORRUPT, TENSORFLOW_MISSING
 */
export async function loadTrainedModel(json: Uint8Array, weights: Uint8Array): Promise<LoadedNetwork> {
  const tf = loadTensorFlow({ threads: 1 });
  let model: Awaited<ReturnType<typeof tf.loadLayersModel>>;
  try {
    const { modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(json));
    const source = { modelTopology, weightSpecs: weightsManifest[0].weights, weightData: weights.slice().buffer };
    model = await tf.loadLayersModel(tf.io.fromMemory(source));
  } catch (cause) {
    throw corruptModel(cause);
  }
  const [, height, width] = model.inputs[0].shape as number[];
  return {
    predict(images) {
      const count = images.length / (height * width * 3);
      return tf.tidy(() => {
        const input = tf.tensor4d(Float32Array.from(images), [count, height, width, 3]);
        return (model.predict(input) as Tensor).dataSync() as Float32Array;
      });
    },
    dispose: () => model.dispose(),
  };
}
