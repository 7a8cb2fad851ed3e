import { CryfoldError } from '@cryfold/core';
import { declaredWeights, weightShapes } from './forward.js';
import { elementCount } from './graph/graph.js';
import { encodeKerasFile } from './keras-file.js';
import { encodeLayersModel } from './layers-model.js';
import type { AnyArchitecture, ImageSize, NetworkSpec, VectorSize } from './models/architecture.js';
import type { Model } from './models/model.js';
import { initialValues, type WeightData, type WeightMap } from './network.js';
import { loadTensorFlow, type Tensor } from './tensorflow.js';

export interface TrainedModel {
  network: NetworkSpec;
  /** Size of the images in pixels (with three channels), length of the vectors, or both. */
  input: ImageSize | VectorSize | (ImageSize & VectorSize);
  /** The labels, in the order of the probabilities. */
  classes: readonly string[];
  /** All weights of the network. For a head that was trained on embeddings, also pass `backboneWeights`. */
  weights: WeightMap;
}

/**
 * Encodes the files of a trained network, by name. `model.json` and `weights.bin` are a TF.js LayersModel; Keras loads
 * `weights.h5` by layer name. If a layer has a bias in Keras but not in this network, the bias is zero in the h5 file.
 * The h5 file omits preprocessing, which in Keras is a function (`resnet50.preprocess_input`) or has no weights.
 */
export async function encodeTrainedModel(trained: TrainedModel): Promise<Map<string, Uint8Array>> {
  const { input, classes, weights } = trained;
  const { architecture, parameters } = trained.network;
  const model = architecture.build(input, classes.length, parameters);
  const files = encodeLayersModel(model, weights, {
    cryfold: 1,
    input: `${describeInput(input)}, as they are: the preprocessing is part of the model`,
    output: model.output?.meaning ?? 'the probability of each class',
    classes,
    estimator: parameters,
  });
  return files.set('weights.h5', await encodeKerasFile(withBiases(model, weights)));
}

function describeInput(input: TrainedModel['input']): string {
  const pixels = 'height' in input ? ['pixels of 0 to 255, RGB'] : [];
  return [...pixels, ...('columns' in input ? ['vectors'] : [])].join(' and ');
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

/** Returns the backbone weights that `NetworkTrainer.embed` uses for this seed and these given weights. */
export function backboneWeights({ backbone }: AnyArchitecture, seed: number, given: WeightMap = new Map()): WeightMap {
  if (!backbone) return new Map();
  return new Map(Object.entries(initialValues(declaredWeights(backbone.features(), [64, 64, 3]), seed, given)));
}

/** Returns the shapes of the backbone's weights by `layer/name`. A pretrained file must contain these weights. */
export function backboneShapes({ backbone }: AnyArchitecture): Map<string, readonly number[]> {
  return weightShapes(backbone?.features() ?? [], [64, 64, 3]);
}

/** Creates the error for files of a model that cannot be loaded. */
export function corruptModel(cause: unknown): CryfoldError {
  return new CryfoldError('ARTIFACT_CORRUPT', `model.json: ${(cause as Error).message}`, {
    cause,
    context: { artifact: 'model.json' },
    hint: 'Train the model again.',
  });
}

/** A network that was loaded from the files of its LayersModel. */
export interface LoadedNetwork {
  /**
   * @param examples images [n, height, width, 3] or vectors [n, columns]
   * @param vectors for a network that reads both
   * @returns [n, classes]
   */
  predict(examples: Uint8Array | Float32Array, vectors?: Float32Array): Float32Array;
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
  const shapes = model.inputs.map(({ shape: [, ...rest] }) => rest as number[]);
  return {
    predict(...given) {
      const count = given[0].length / elementCount(shapes[0]);
      return tf.tidy(() => {
        const inputs = shapes.map((shape, i) => tf.tensor(Float32Array.from(given[i] ?? []), [count, ...shape]));
        return (model.predict(inputs) as Tensor).dataSync() as Float32Array;
      });
    },
    dispose: () => model.dispose(),
  };
}
