import { z } from 'zod';
import { denseLayers, epochCount, networkKind, trainingParameters, units } from './network-kind.js';

/** 3 x (3x3 convolution, ReLU, 2x2 max-pool), Dense ReLU, softmax. What the paper leaves open is a parameter. */
const parameters = z.strictObject({
  kind: z.literal('small-cnn'),
  ...trainingParameters,
  epochs: epochCount.default(10),
  filters: z.array(units).length(3).default([32, 64, 128]),
  dense: denseLayers.default([128]),
});

export const smallCnn = {
  ...networkKind<z.infer<typeof parameters>>({
    kind: 'small-cnn',
    parameters,
    architecture: async () => (await import('@cryfold/nn')).smallCnnArchitecture,
  }),
  parameters,
};
