import { LIMITS } from '@cryfold/core';
import { z } from 'zod';

/** Units or filters of one layer */
export const units = z.int().positive().max(65_536);
/** Sizes of the dense layers of a network's head */
export const denseLayers = z.array(units).max(32);

/** Parameters of a network with a backbone, in addition to those of its training. */
export const transferParameters = {
  /** `random`, or a Keras `notop` .h5 file: a path, `https://…#sha256=HEX` or `store:KEY#sha256=HEX` */
  weights: z.string().min(1).max(LIMITS.text).default('random'),
  /** Trained layers: all; only the head, on features computed once; or those from a named one on. */
  backbone: z
    .union([z.enum(['full', 'frozen']), z.strictObject({ from: z.string().min(1).max(LIMITS.label) })])
    .default('full'),
  dropout: z.number().min(0).lt(1).default(0.25),
  dense: denseLayers.default([256, 128, 64]),
};
