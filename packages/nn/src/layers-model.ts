import type { Layer } from './layers/layer.js';
import { type Model, VECTORS } from './models/model.js';
import type { WeightData, WeightMap } from './network.js';

const INPUT = 'input';

/**
 * Encodes a trained model as a TF.js LayersModel: `model.json` and one file of weights. `tf.loadLayersModel` in plain
 * `@tensorflow/tfjs` reads these files, in Node and in browsers. The model consists of stock layers under Keras's
 * names, including preprocessing, and ends in a softmax. It maps RGB pixels [n, height, width, 3] of 0-255 to
 * probabilities [n, classes]. A model with a custom output ends in that output, and may contain layers that only
 * cryfold has. Format: the LayersModel JSON of github.com/tensorflow/tfjs, tfjs-core/src/io/types.ts (ModelJSON).
 * @param metadata information for users of the model, as `userDefinedMetadata`
 */
export function encodeLayersModel(
  model: Model,
  weights: WeightMap,
  metadata: Readonly<Record<string, unknown>>,
): Map<string, Uint8Array> {
  const stored = allWeights(model.layers, weights);
  const json = {
    format: 'layers-model',
    generatedBy: 'cryfold',
    convertedBy: null,
    modelTopology: { class_name: 'Functional', config: topology(model), keras_version: 'tfjs-layers 4.22.0' },
    userDefinedMetadata: metadata,
    weightsManifest: [
      {
        paths: [WEIGHTS_FILE],
        weights: stored.map(([name, { shape }]) => ({ name, shape, dtype: 'float32' })),
      },
    ],
  };
  const bytes = new Uint8Array(stored.reduce((sum, [, { data }]) => sum + data.byteLength, 0));
  let at = 0;
  for (const [, { data }] of stored) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return new Map([
    ['model.json', new TextEncoder().encode(`${JSON.stringify(json, undefined, 1)}\n`)],
    [WEIGHTS_FILE, bytes],
  ]);
}

const WEIGHTS_FILE = 'weights.bin';

function topology({ name, inputShape, vectors, layers, output }: Model) {
  const outputOf = (layer: string) => [layer, 0, 0];
  let previous = INPUT;
  const inputs = [inputLayer(INPUT, inputShape), ...(vectors === undefined ? [] : [inputLayer(VECTORS, [vectors])])];
  const rest = layers.map((layer, index) => {
    const from = layer.from ?? [previous];
    previous = layer.name;
    // Training and prediction use the logits of the last layer and add the softmax themselves.
    const last = index === layers.length - 1 && !output ? { activation: 'softmax' } : {};
    return {
      name: layer.name,
      class_name: layer.kind,
      config: { name: layer.name, trainable: !layer.constants, dtype: 'float32', ...layer.config, ...last },
      inbound_nodes: [from.map((source) => [...outputOf(source), {}])],
    };
  });
  return {
    name,
    layers: [...inputs, ...rest],
    input_layers: inputs.map((input) => outputOf(input.name)),
    output_layers: [outputOf(previous)],
  };
}

function inputLayer(name: string, shape: readonly number[]) {
  const config = { name, batch_input_shape: [null, ...shape], dtype: 'float32', sparse: false };
  return { name, class_name: 'InputLayer', config, inbound_nodes: [] };
}

/** Every weight and constant by `layer/name`, layer by layer. */
function allWeights(layers: readonly Layer[], weights: WeightMap): [string, WeightData][] {
  return layers.flatMap(({ name, constants = {} }) => [
    ...Object.entries(constants).map(([part, value]): [string, WeightData] => [`${name}/${part}`, value]),
    ...[...weights].filter(([key]) => key.startsWith(`${name}/`)),
  ]);
}
