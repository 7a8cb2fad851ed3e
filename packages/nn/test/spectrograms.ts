import { PALETTE, PALETTE_SIZE, Random } from '@cryfold/core';
import type { FoldImages } from '../src/trainer.js';

/**
 * Images of levels in SoX's colours. Each image has a band of loud noise above quiet noise; the height of the band
 * depends on the class.
 */
export function spectrograms({ count = 24, height = 24, width = 26, classCount = 3 } = {}): FoldImages & {
  levels: Uint8Array;
} {
  const random = new Random(9);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classCount);
  const levels = Uint8Array.from({ length: count * height * width }, (_, at) => {
    const image = Math.floor(at / height / width);
    const row = Math.floor(at / width) % height;
    const loud = Math.floor((row * classCount) / height) === labels[image];
    return random.below(10) === 0 ? 0 : (loud ? 150 : 60) + random.below(PALETTE_SIZE - 150);
  });
  return { images: coloured(levels), levels, height, width, labels, classCount };
}

/** Converts levels from 0 to 250 to RGB in SoX's colours. */
export function coloured(levels: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 3 * levels.length }, (_, i) => PALETTE[3 * levels[Math.floor(i / 3)] + (i % 3)]);
}
