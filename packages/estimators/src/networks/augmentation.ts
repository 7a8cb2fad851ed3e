import { stepsOf } from '@cryfold/nn/augmentation';
import { z } from 'zod';
import type { EstimatorKind, Searched } from '../estimator-kind.js';

const share = z.number().min(0).max(1);

/** How training images are changed (see docs/augmentation.md); an absent strength or a strength of 0 has no effect */
const augmentation = z.strictObject({
  timeShift: share
    .optional()
    .describe('largest shift in time in either direction, as a share of the width; wraps around'),
  gain: z.number().min(0).max(60).optional().describe('largest change of level in decibels, louder or quieter'),
  noise: z.number().min(0).max(10).optional().describe('maximum RMS of white noise, relative to the RMS of the clip'),
  timeMask: share.optional().describe('widest mask over time, as a share of the width'),
  frequencyMask: share.optional().describe('highest mask over frequency, as a share of the height'),
  masks: z.int().min(0).max(20).optional().describe('number of masks of each kind; default: 1'),
  mixup: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('mixes pairs of clips; their shares are drawn from Beta(mixup, mixup)'),
});

/** Parameters for training a network on few clips and unequal classes. If absent, they do not affect a fold's key. */
export const augmentationParameters = {
  balance: z
    .enum(['none', 'weights', 'batches'])
    .optional()
    .describe(
      'weights: scale losses like scikit-learn’s class_weight balanced; batches: draw clips of each class equally often; default: none',
    ),
  augment: augmentation
    .optional()
    .describe('how training clips are changed (see docs/augmentation.md); a setting that is absent or 0 has no effect'),
};

/** The parameters of a network that reads vectors, and therefore has no images to change. */
export const vectorAugmentation = {
  augment: augmentation
    .pick({ mixup: true })
    .optional()
    .describe('how training clips are changed (see docs/augmentation.md)'),
};

type Parameters = z.infer<z.ZodObject<typeof augmentationParameters>> & { classWeight?: string };

/**
 * Removes settings without effect, so that `balance: none` and an augmentation of strength 0 share the folds of a spec
 * without them.
 */
function keyed<P extends Parameters>({ balance, augment, ...deciding }: P): object {
  const effective = effectiveStrengths(augment);
  const { classWeight: _, ...unweighted } = deciding;
  return {
    // `balance` replaces `classWeight`: it either sets class weights or samples clips by class.
    ...(balance && balance !== 'none' ? { ...unweighted, balance } : deciding),
    ...(Object.keys(effective).length > 0 && { augment: effective }),
  };
}

/** Returns the members of an augmentation that affect training. */
function effectiveStrengths(augment: Parameters['augment'] = {}): object {
  const { masks, timeMask, frequencyMask, ...others } = augment;
  const sizes = { timeMask, frequencyMask, ...(masks !== 1 && { masks }) };
  const strengths = { ...others, ...(stepsOf(augment).masks && sizes) };
  return Object.fromEntries(Object.entries(strengths).filter(([, strength]) => strength));
}

const PREFIX = 'augment.';

/** A sweep addresses the strengths of an augmentation as `augment.gain` and so on. */
const searched: Searched<Parameters & { kind: string }> = {
  of: ({ augment, ...own }) => ({
    ...own,
    ...Object.fromEntries(Object.entries(augment ?? {}).map(([key, value]) => [PREFIX + key, value])),
  }),
  with: (parameters, values) => {
    const own: Record<string, unknown> = { ...parameters };
    const augment: Record<string, unknown> = { ...parameters.augment };
    for (const [key, value] of Object.entries(values)) {
      if (key.startsWith(PREFIX)) augment[key.slice(PREFIX.length)] = value;
      else own[key] = value;
    }
    return { ...own, ...(Object.keys(augment).length > 0 && { augment }) };
  },
};

/** The members for keys and sweeps that every kind with `augmentationParameters` needs. */
export const augmentable = { keyed, searched } satisfies Partial<EstimatorKind<Parameters & { kind: string }>>;
