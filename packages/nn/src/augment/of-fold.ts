import { CryfoldError, type Random } from '@cryfold/core';
import type { Feed } from '../graph/session.js';
import { type Augmentation, type AugmentationSteps, stepsOf } from './augmentation.js';
import { type Balance, balancedOrder, balancedWeights, classCounts } from './balance.js';
import { colourScaleOf } from './colour-scale.js';
import { drawAugmentation } from './draw.js';

/** The properties that `FoldImages` and `FoldEmbeddings` have in common, and the images, if any. */
interface Examples {
  labels: Int32Array;
  classCount: number;
  images?: Uint8Array;
  height?: number;
  width?: number;
  decibels?: number | undefined;
}

/** Returns how to compensate for classes of unequal size. Balanced batches need no weights. */
export function balancing(
  { labels, classCount }: Examples,
  train: Int32Array,
  { balance, classWeight }: { balance?: Balance | undefined; classWeight: 'none' | 'balanced' },
): { order?: (random: Random) => Int32Array; classWeights?: Float32Array } {
  if (balance === 'batches') return { order: (random) => balancedOrder(labels, train, random) };
  const counts = classCounts(labels, train, classCount);
  if (balance === 'weights') return { classWeights: balancedWeights(counts) };
  // Computed over all classes, including those without training clips in this fold, so that results of earlier versions
  // stay valid.
  return classWeight === 'balanced' ? { classWeights: balancedWeights(counts, classCount) } : {};
}

/** Returns `augment`, which draws the changes to a batch; empty if examples are not changed. */
export function augmenting(
  augment: Augmentation | undefined,
  { height = 0, width = 0 }: Examples,
): { augment?: (examples: number, random: Random) => Record<string, Feed> } {
  if (!augment || !stepsOf(augment).any) return {};
  return { augment: (examples, random) => drawAugmentation(augment, { examples, height, width }, random) };
}

/**
 * Returns what a training graph needs for an augmentation; undefined if the augmentation has no effect.
 * @throws CryfoldError SPEC_INVALID if examples to be changed are not images of a known colour scale
 */
export function augmentationSteps(
  augment: Augmentation | undefined,
  { images, decibels }: Examples,
): AugmentationSteps | undefined {
  const { any, changesImages, ...steps } = stepsOf(augment);
  if (!any) return undefined;
  if (!changesImages) return steps;
  if (!images) throw onlyMixup('the network reads vectors, not images');
  const scale = colourScaleOf(images, decibels);
  if (!scale) throw onlyMixup("the images use neither SoX's colours nor grey");
  return { ...steps, scale };
}

function onlyMixup(why: string): CryfoldError {
  return new CryfoldError('SPEC_INVALID', `augment: ${why}`, {
    context: { key: 'augment' },
    hint: 'Remove everything except mixup from augment.',
  });
}
