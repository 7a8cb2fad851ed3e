import type { Random } from '@cryfold/core';
import type { Feed } from '../graph/session.js';
import { type Augmentation, stepsOf } from './augmentation.js';

/** Shape of a batch. */
interface BatchShape {
  examples: number;
  /** Size of the images; 0 for vectors */
  height: number;
  width: number;
}

/**
 * Draws how each example of a batch is changed: the inputs of the graph's augmentation, by name.
 * - `columns` int32 [b, width]: source column of each column
 * - `gain` [b]: decibels
 * - `noise` [b]: power of the noise as a share of the image's power
 * - `rowsKept` [b, height], `columnsKept` [b, width]: 0 in a mask, otherwise 1
 * - `partners` int32 [b]: the example of the batch with which each example is mixed; `shares` [b]: the example's own
 * share, 0.5 to 1
 */
export function drawAugmentation(augment: Augmentation, batch: BatchShape, random: Random): Record<string, Feed> {
  const { timeShift = 0, gain = 0, noise = 0, timeMask = 0, frequencyMask = 0, masks = 1, mixup = 0 } = augment;
  const { examples, height, width } = batch;
  const steps = stepsOf(augment);
  const each = (draw: () => number) => ({ data: Float32Array.from({ length: examples }, draw) });
  const kept = (size: number, most: number) => maskRows(examples, size, { masks, most, random });
  return {
    ...(steps.timeShift && { columns: shiftedColumns(examples, width, { timeShift, random }) }),
    ...(steps.gain && { gain: each(() => random.uniform(-gain, gain)) }),
    ...(steps.noise && { noise: each(() => random.uniform(0, noise) ** 2) }),
    ...(steps.masks && { rowsKept: kept(height, frequencyMask), columnsKept: kept(width, timeMask) }),
    ...(steps.mixup && {
      partners: { data: permutation(examples, random) },
      // An example's own share is always at least one half, so that its own label counts as the correct one.
      shares: each(() => {
        const share = symmetricBeta(mixup, random);
        return Math.max(share, 1 - share);
      }),
    }),
  };
}

/** Draws rotations of images in time: columns that leave the image at one end enter it at the other. */
function shiftedColumns(
  examples: number,
  width: number,
  { timeShift, random }: { timeShift: number; random: Random },
): Feed {
  const most = Math.floor(timeShift * width);
  const data = new Int32Array(examples * width);
  for (let example = 0; example < examples; example++) {
    const shift = width - most + random.below(2 * most + 1);
    for (let column = 0; column < width; column++) data[example * width + column] = (column + shift) % width;
  }
  return { data, shape: [examples, width] };
}

/** Draws rows of ones, except for `masks` runs of up to `most * size` zeros. */
function maskRows(
  examples: number,
  size: number,
  { masks, most, random }: { masks: number; most: number; random: Random },
): Feed {
  const longest = Math.floor(most * size);
  const data = new Float32Array(examples * size).fill(1);
  for (let mask = 0; longest > 0 && mask < examples * masks; mask++) {
    const length = random.below(longest + 1);
    const start = (mask % examples) * size + random.below(size - length + 1);
    data.fill(0, start, start + length);
  }
  return { data, shape: [examples, size] };
}

function permutation(count: number, random: Random): Int32Array {
  const all = Int32Array.from({ length: count }, (_, i) => i);
  random.shuffle(all);
  return all;
}

/**
 * Draws a number in [0, 1] with distribution Beta(alpha, alpha): for alpha up to 1 by Johnk's method on logarithms,
 * since powers of 1 / alpha underflow, and for larger alpha from two gamma variates.
 */
export function symmetricBeta(alpha: number, random: Random): number {
  if (alpha > 1) {
    const [a, b] = [gamma(alpha, random), gamma(alpha, random)];
    return a / (a + b);
  }
  for (;;) {
    const a = Math.log(1 - random.uniform()) / alpha;
    const b = Math.log(1 - random.uniform()) / alpha;
    if (Math.exp(a) + Math.exp(b) <= 1) return 1 / (1 + Math.exp(b - a));
  }
}

/** Draws from Gamma(shape, 1) for shape >= 1: Marsaglia and Tsang (2000). */
function gamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
