import type { ColourScale } from './colour-scale.js';

/**
 * How training images are changed each time they are used. A setting that is absent or 0 changes nothing. Strengths are
 * drawn for each image; see docs/augmentation.md.
 */
export interface Augmentation {
  /** Largest shift in time in either direction, as a share of the width: 0 to 1 */
  timeShift?: number | undefined;
  /** Largest change of level in decibels, louder or quieter */
  gain?: number | undefined;
  /** Maximum white noise: its root mean square relative to the clip's */
  noise?: number | undefined;
  /** Widest mask over time, as a share of the width: 0 to 1 */
  timeMask?: number | undefined;
  /** Highest mask over frequency, as a share of the height: 0 to 1 */
  frequencyMask?: number | undefined;
  /** Number of masks of each kind; default 1 */
  masks?: number | undefined;
  /** Mixes pairs of examples in a batch, with shares drawn from Beta(mixup, mixup) */
  mixup?: number | undefined;
}

/** The steps of an augmentation that a training graph contains. Their strengths are inputs of the graph. */
export interface AugmentationSteps {
  timeShift: boolean;
  gain: boolean;
  noise: boolean;
  masks: boolean;
  mixup: boolean;
  /** Colour scale of the images, if there is any step other than mixup */
  scale?: ColourScale | undefined;
}

/** The steps that have an effect. `changesImages` is set if a step needs the colour scale of the images. */
export function stepsOf(augment: Augmentation = {}): AugmentationSteps & { changesImages: boolean; any: boolean } {
  const { timeShift = 0, gain = 0, noise = 0, timeMask = 0, frequencyMask = 0, masks = 1, mixup = 0 } = augment;
  const steps = {
    timeShift: timeShift > 0,
    gain: gain > 0,
    noise: noise > 0,
    masks: masks > 0 && (timeMask > 0 || frequencyMask > 0),
    mixup: mixup > 0,
  };
  const changesImages = steps.timeShift || steps.gain || steps.noise || steps.masks;
  return { ...steps, changesImages, any: changesImages || steps.mixup };
}
