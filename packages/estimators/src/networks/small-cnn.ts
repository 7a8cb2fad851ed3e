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

type Parameters = z.infer<typeof parameters>;

/** Multiplications of an image's forward pass at 60 x 90 pixels: the three convolutions and the first dense layer. */
function multiplications({ filters: [a, b, c], dense: [first = 0] }: Pick<Parameters, 'filters' | 'dense'>): number {
  return 9 * (60 * 90 * 3 * a + 30 * 45 * a * b + 15 * 22 * b * c) + 7 * 11 * c * first;
}

const DEFAULTS = multiplications({ filters: [32, 64, 128], dense: [128] });

export const smallCnn = {
  ...networkKind<Parameters>({
    kind: 'small-cnn',
    parameters,
    work: (own) => multiplications(own) / DEFAULTS,
    // docs/performance.md: 333 images per CPU second.
    typicalSeconds: 1 / 333,
    architecture: async () => (await import('@cryfold/nn')).smallCnnArchitecture,
  }),
  parameters,
};
