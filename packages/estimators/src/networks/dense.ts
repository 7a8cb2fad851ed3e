import type { VectorSize } from '@cryfold/nn';
import { z } from 'zod';
import { denseLayers, epochCount, networkKind, trainingParameters } from './network-kind.js';

/** Dense layers on vectors, whose columns each fold standardises by its training clips. */
const parameters = z.strictObject({
  kind: z.literal('dense'),
  ...trainingParameters,
  epochs: epochCount.default(50),
  learningRate: trainingParameters.learningRate.unwrap().default(1e-3),
  /** Units of the hidden layers; an empty list makes a softmax regression */
  dense: denseLayers.default([128]),
  /** After each hidden layer */
  dropout: z.number().min(0).lt(1).default(0.25),
});

type Parameters = z.infer<typeof parameters>;

export const dense = {
  ...networkKind<Parameters, VectorSize>({
    kind: 'dense',
    parameters,
    reads: 'vectors',
    architecture: async () => (await import('@cryfold/nn')).denseArchitecture,
  }),
  parameters,
};
