import { z } from 'zod';
import { conv2D } from '../layers/conv2d.js';
import { dense } from '../layers/dense.js';
import { flatten } from '../layers/flatten.js';
import type { Layer } from '../layers/layer.js';
import { maxPooling2D } from '../layers/pooling.js';
import { rescaling } from '../layers/preprocessing.js';
import type { Architecture, ImageSize } from './architecture.js';
import type { NetworkDefinition } from './definition.js';
import type { Model } from './model.js';
import { numbered } from './numbered.js';
import { denseLayers, units } from './parameters.js';

export interface SmallCnnShape {
  filters: readonly number[];
  dense: readonly number[];
}

/** Maps pixels x / 255 to a vector through 3x3 convolutions with ReLU, each followed by a 2x2 max-pooling. */
export function smallConvolutions(filters: readonly number[]): Layer[] {
  const blocks = filters.flatMap((count, i): Layer[] => [
    conv2D(numbered('conv2d', i), { filters: count, size: 3, activation: 'relu' }),
    maxPooling2D(numbered('max_pooling2d', i), 2),
  ]);
  return [rescaling('rescaling', 1 / 255), ...blocks, flatten('flatten')];
}

/**
 * A small network with the paper's three convolution layers: pixels x / 255, then 3 x (3x3 convolution, ReLU, 2x2
 * max-pooling), dense layers with ReLU, and logits.
 */
export function smallCnnModel(image: ImageSize, classes: number, shape: SmallCnnShape): Model {
  const head = shape.dense.map((units, i) => dense(numbered('dense', i), units, 'relu'));
  return {
    name: 'small-cnn',
    inputShape: [image.height, image.width, 3],
    layers: [...smallConvolutions(shape.filters), ...head, dense(numbered('dense', shape.dense.length), classes)],
  };
}

const architecture: Architecture<SmallCnnShape> = { build: smallCnnModel };

/** Parameters for everything that the paper does not specify. */
const parameters = {
  filters: z.array(units).length(3).default([32, 64, 128]).describe('filters of the three convolutions'),
  dense: denseLayers.default([128]).describe('units of the hidden layers after the convolutions'),
};

/**
 * Number of multiplications in the forward pass of an image of 60 x 90 pixels: the three convolutions and the first
 * dense layer.
 */
export function multiplications({ filters: [a, b, c], dense: [first = 0] }: SmallCnnShape): number {
  return 9 * (60 * 90 * 3 * a + 30 * 45 * a * b + 15 * 22 * b * c) + 7 * 11 * c * first;
}

const DEFAULTS = multiplications({ filters: [32, 64, 128], dense: [128] });

export const smallCnn = {
  kind: 'small-cnn',
  parameters,
  epochs: 10,
  architecture,
  work: (own: SmallCnnShape) => multiplications(own) / DEFAULTS,
  // Measured: 333 images per CPU second, see docs/performance.md.
  typicalSeconds: 1 / 333,
  smallestImage: 22,
} satisfies NetworkDefinition<'small-cnn', typeof parameters>;
