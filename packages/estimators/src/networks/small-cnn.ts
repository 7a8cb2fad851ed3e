import { z } from 'zod';
import { count, networkKind, trainingParameters } from './network-kind.js';

/** 3 x (3x3 convolution, ReLU, 2x2 max-pool), Dense ReLU, softmax. What the paper leaves open is a parameter. */
const parameters = z.strictObject({
  kind: z.literal('small-cnn'),
  ...trainingParameters,
  epochs: count.default(10),
  filters: z.array(count).length(3).default([32, 64, 128]),
  dense: z.array(count).default([128]),
});

export const smallCnn = {
  ...networkKind<z.infer<typeof parameters>>({
    kind: 'small-cnn',
    parameters,
    architecture: async () => (await import('@cryfold/nn')).smallCnnArchitecture,
  }),
  parameters,
};
