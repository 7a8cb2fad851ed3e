import { z } from 'zod';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import type { Layer } from '../layers/layer.js';
import { columnStandardization } from '../layers/standardization.js';
import type { Architecture, VectorSize } from './architecture.js';
import type { NetworkDefinition } from './definition.js';
import type { Model } from './model.js';
import { numbered } from './numbered.js';
import { denseLayers } from './parameters.js';

export interface DenseShape {
  /** Units of each hidden layer. If empty, the network is a softmax regression */
  dense: readonly number[];
  /** Dropout rate after each hidden layer in training */
  dropout: number;
}

/**
 * Hidden layers with ReLU, each followed by dropout.
 * @param prefix of the layers' names
 */
export function hiddenLayers(units: readonly number[], rate: number, prefix = ''): Layer[] {
  return units.flatMap((count, i) => [
    dense(prefix + numbered('dense', i), count, 'relu'),
    ...(rate > 0 ? [dropout(prefix + numbered('dropout', i), rate)] : []),
  ]);
}

/** Standardises vectors with the statistics of the training clips, and maps them through dense layers to logits. */
export function denseModel({ columns }: VectorSize, classes: number, shape: DenseShape): Model {
  return {
    name: 'dense',
    inputShape: [columns],
    layers: [
      columnStandardization(),
      ...hiddenLayers(shape.dense, shape.dropout),
      dense(numbered('dense', shape.dense.length), classes),
    ],
  };
}

const architecture: Architecture<DenseShape, VectorSize> = { build: denseModel };

const parameters = {
  learningRate: z.number().positive().default(1e-3).describe('learning rate of the optimizer'),
  dense: denseLayers
    .default([128])
    .describe('units of the hidden layers; with an empty list, the model is a softmax regression'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.25)
    .describe('share of the outputs of each hidden layer that a training step drops'),
};

/** Dense layers on vectors. Each fold standardises the columns with the statistics of its training clips. */
export const denseNetwork = {
  kind: 'dense',
  parameters,
  epochs: 50,
  architecture,
  reads: 'vectors',
  typicalSeconds: 1 / 100_000,
} satisfies NetworkDefinition<'dense', typeof parameters>;
