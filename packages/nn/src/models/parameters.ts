import { LIMITS } from '@cryfold/core';
import { z } from 'zod';

/** Units or filters of one layer */
export const units = z.int().positive().max(65_536);
/** Sizes of the dense layers of a network's head */
export const denseLayers = z.array(units).max(32);

/** Parameters of a network with a backbone, in addition to its training parameters. */
export const transferParameters = {
  weights: z
    .string()
    .min(1)
    .max(LIMITS.text)
    .default('random')
    .describe(
      'random, or a Keras .h5 file without the top layers (notop): a path, https://…#sha256=HEX or store:KEY#sha256=HEX',
    ),
  backbone: z
    .union([
      z.enum(['full', 'frozen']),
      z.strictObject({ from: z.string().min(1).max(LIMITS.label).describe('name of the first layer that is trained') }),
    ])
    .default('full')
    .describe(
      'which layers are trained: all of them; only the head, on features that are computed once; or all layers from a given one onwards',
    ),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.25)
    .describe('share of the backbone’s outputs that each training step drops, so that they do not reach the head'),
  dense: denseLayers.default([256, 128, 64]).describe('units of the hidden layers of the head'),
};
