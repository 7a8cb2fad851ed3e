import type { ImageSize, VectorSize } from '@cryfold/nn';
import { z } from 'zod';
import { denseLayers, epochCount, networkKind, trainingParameters, units } from './network-kind.js';

/** Convolutions on images and dense layers on vectors, joined by dense layers. */
const parameters = z.strictObject({
  kind: z.literal('two-branch'),
  ...trainingParameters,
  epochs: epochCount.default(10),
  /** The feature set of vectors; default: the spec's first one */
  vectors: z.string().max(41).optional(),
  filters: z.array(units).length(3).default([32, 64, 128]),
  /** Units of the layers after the convolutions */
  imageDense: denseLayers.default([64]),
  /** Units of the layers after the standardised vectors; an empty list: none */
  vectorDense: denseLayers.default([64]),
  /** Units of the layers that read both */
  dense: denseLayers.default([64]),
  /** After each of the layers that read both */
  dropout: z.number().min(0).lt(1).default(0.25),
});

type Parameters = z.infer<typeof parameters>;

export const twoBranch = {
  ...networkKind<Parameters, ImageSize & VectorSize>({
    kind: 'two-branch',
    parameters,
    readsVectors: true,
    architecture: async () => (await import('@cryfold/nn')).twoBranchArchitecture,
  }),
  parameters,
};
