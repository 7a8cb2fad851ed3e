import { Random } from '@cryfold/core';
import type { FoldImages } from '../src/trainer.js';

/**
 * 61 images of noise with a bright stripe whose height depends on the class; their size in bytes is not a multiple of
 * four.
 */
export function stripes(): FoldImages {
  const [count, height, width, classCount] = [61, 35, 33, 3];
  const random = new Random(1);
  const images = Uint8Array.from({ length: count * height * width * 3 }, () => random.below(120));
  const labels = Int32Array.from({ length: count }, (_, i) => i % classCount);
  labels.forEach((label, i) => {
    const row = (i * height + 5 + 10 * label) * width * 3;
    for (let at = row; at < row + 4 * width * 3; at++) images[at] += 100;
  });
  return { images, height, width, labels, classCount };
}

/** The integers from `from` to `to`, excluding `to`. */
export function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i);
}

/** 45 training images (two batches of 16 and one of 13), and 16 test images. */
export const fold = { train: range(0, 45), test: range(45, 61) };
