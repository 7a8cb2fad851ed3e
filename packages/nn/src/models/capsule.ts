import { z } from 'zod';
import { capsuleLengths, primaryCapsules, routedCapsules } from '../layers/capsules.js';
import { conv2D } from '../layers/conv2d.js';
import { rescaling } from '../layers/preprocessing.js';
import type { Architecture } from './architecture.js';
import type { NetworkDefinition } from './definition.js';
import { LENGTHS } from './output.js';
import { units } from './parameters.js';

const parameters = {
  filters: units.default(64).describe('number of filters of the first convolution'),
  capsules: units.default(8).describe('number of capsules at each position of the second convolution'),
  routing: z.int().min(1).max(10).default(3).describe('iterations of routing'),
};

type Parameters = z.infer<z.ZodObject<typeof parameters>>;

/** Vector length of a primary capsule and of a class capsule, as in the paper. */
const [PRIMARY, CLASS] = [8, 16];

const architecture: Architecture<Parameters> = {
  build: ({ height, width }, classes, { filters, capsules, routing }) => ({
    name: 'capsule',
    inputShape: [height, width, 3],
    layers: [
      rescaling('rescaling', 1 / 255),
      conv2D('conv1', { filters, size: 9, stride: 2, activation: 'relu' }),
      conv2D('primary_conv', { filters: capsules * PRIMARY, size: 9, stride: 2 }),
      primaryCapsules('primary_capsules', PRIMARY),
      routedCapsules('class_capsules', { capsules: classes, dimensions: CLASS, iterations: routing }),
      capsuleLengths('lengths'),
    ],
    output: LENGTHS,
  }),
  ownLayers: true,
};

/**
 * Number of multiplications in the forward pass of an image of 60 x 90 pixels, with five classes: the convolutions and
 * the predictions.
 */
function multiplications({ filters, capsules }: Parameters): number {
  const second = capsules * PRIMARY;
  return 81 * (26 * 41 * 3 * filters + 9 * 17 * filters * second) + 9 * 17 * second * 5 * CLASS;
}

const DEFAULTS = multiplications({ filters: 64, capsules: 8, routing: 3 });

/**
 * A capsule network with dynamic routing and margin loss: Sabour, Frosst and Hinton (2017). It is smaller than the
 * paper's network, its first convolution has a stride of 2 because the images here are larger, and it lacks the decoder
 * that reconstructs the image.
 */
export const capsule = {
  kind: 'capsule',
  parameters,
  epochs: 10,
  architecture,
  work: (own: Parameters) => multiplications(own) / DEFAULTS,
  typicalSeconds: 1 / 146,
  smallestImage: 25,
} satisfies NetworkDefinition<'capsule', typeof parameters>;
