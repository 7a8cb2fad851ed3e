import { conv2D } from '../layers/conv2d.js';
import { dense } from '../layers/dense.js';
import { flatten } from '../layers/flatten.js';
import type { Layer } from '../layers/layer.js';
import { maxPooling2D } from '../layers/pooling.js';
import { rescaling } from '../layers/preprocessing.js';
import type { Architecture, ImageSize } from './architecture.js';
import type { Model } from './model.js';

export interface SmallCnnShape {
  filters: readonly number[];
  dense: readonly number[];
}

/** Keras numbers the layers of a class: conv2d, conv2d_1, ... */
export function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}_${index}`;
}

/** A small network with the paper's three convolution layers: 3 x (3x3 convolution, ReLU, 2x2 max-pool), dense ReLU layers, logits; pixels x / 255. */
export function smallCnn(image: ImageSize, classes: number, shape: SmallCnnShape): Model {
  const blocks = shape.filters.flatMap((filters, i): Layer[] => [
    conv2D(numbered('conv2d', i), { filters, size: 3, activation: 'relu' }),
    maxPooling2D(numbered('max_pooling2d', i), 2),
  ]);
  const head = shape.dense.map((units, i) => dense(numbered('dense', i), units, 'relu'));
  return {
    name: 'small-cnn',
    inputShape: [image.height, image.width, 3],
    layers: [
      rescaling('rescaling', 1 / 255),
      ...blocks,
      flatten('flatten'),
      ...head,
      dense(numbered('dense', shape.dense.length), classes),
    ],
  };
}

export const smallCnnArchitecture: Architecture<SmallCnnShape> = { build: smallCnn };
