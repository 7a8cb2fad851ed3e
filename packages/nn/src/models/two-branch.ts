import { z } from 'zod';
import { concatenate } from '../layers/concatenate.js';
import { dense } from '../layers/dense.js';
import type { Layer } from '../layers/layer.js';
import { columnStandardization, STANDARDIZATION } from '../layers/standardization.js';
import type { Architecture, ImageSize, VectorSize } from './architecture.js';
import type { NetworkDefinition } from './definition.js';
import { hiddenLayers } from './dense-network.js';
import { type Model, VECTORS } from './model.js';
import { numbered } from './numbered.js';
import { denseLayers, units } from './parameters.js';
import { multiplications, smallConvolutions } from './small-cnn.js';

export interface TwoBranchShape {
  /** Filters of the convolutions of the image branch */
  filters: readonly number[];
  /** Units of the dense layers that follow these convolutions */
  imageDense: readonly number[];
  /** Units of the vector branch. If empty, the standardised vectors are used as they are */
  vectorDense: readonly number[];
  /** Units of the layers that read both branches */
  dense: readonly number[];
  /** Dropout rate in training after each of these layers */
  dropout: number;
}

/**
 * Images pass through convolutions as in the Small CNN. Vectors are standardised with the statistics of the training
 * clips and pass through dense layers. Both outputs are concatenated, and dense layers map them to logits.
 */
export function twoBranchModel(input: ImageSize & VectorSize, classes: number, shape: TwoBranchShape): Model {
  const image = [...smallConvolutions(shape.filters), ...hiddenLayers(shape.imageDense, 0, 'image_')];
  const vector = [{ ...columnStandardization(), from: [VECTORS] }, ...hiddenLayers(shape.vectorDense, 0, 'vector_')];
  const last = (layers: readonly Layer[]) => layers.at(-1)?.name ?? STANDARDIZATION;
  return {
    name: 'two-branch',
    inputShape: [input.height, input.width, 3],
    vectors: input.columns,
    layers: [
      ...image,
      ...vector,
      concatenate('concatenate', [last(image), last(vector)]),
      ...hiddenLayers(shape.dense, shape.dropout),
      dense(numbered('dense', shape.dense.length), classes),
    ],
  };
}

const architecture: Architecture<TwoBranchShape, ImageSize & VectorSize> = { build: twoBranchModel };

const parameters = {
  vectors: z
    .string()
    .max(41)
    .optional()
    .describe('name of the feature set that provides the vectors; default: the first one in the spec'),
  filters: z.array(units).length(3).default([32, 64, 128]).describe('filters of the three convolutions on images'),
  imageDense: denseLayers.default([64]).describe('units of the layers after the convolutions'),
  vectorDense: denseLayers
    .default([64])
    .describe('units of the layers that read the standardised vectors; an empty list omits these layers'),
  dense: denseLayers.default([64]).describe('units of the layers that read both branches'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.25)
    .describe('share of its outputs that each layer in dense drops in a training step'),
};

/** Cost of the image branch, including the first dense layer after it. The cost of the vector branch is negligible. */
const imageWork = ({ filters, imageDense, dense }: Pick<TwoBranchShape, 'filters' | 'imageDense' | 'dense'>) =>
  multiplications({ filters, dense: [...imageDense, ...dense] });

const DEFAULTS = imageWork({ filters: [32, 64, 128], imageDense: [64], dense: [64] });

/** Convolutions on images and dense layers on vectors, joined by dense layers. */
export const twoBranch = {
  kind: 'two-branch',
  parameters,
  epochs: 10,
  architecture,
  readsVectors: true,
  work: (own: TwoBranchShape) => imageWork(own) / DEFAULTS,
  typicalSeconds: 1 / 350,
  smallestImage: 22,
} satisfies NetworkDefinition<'two-branch', typeof parameters>;
