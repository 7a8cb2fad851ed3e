import { PALETTE, PALETTE_SIZE } from '@cryfold/core';

/** Decibels from the bottom of a scale to its top: SoX's default, and what other images are taken to have. */
const RANGE_DB = 120;

/** How the colours of images stand for levels of sound: level 0 is below the scale, the last one at its top or above. */
export interface ColourScale {
  name: 'sox' | 'grey';
  /** [levels, 3], RGB */
  colours: Uint8Array;
  levels: number;
  /** Of one level */
  decibels: number;
}

/** 6 R + G + B differs for all colours of each scale, so that a table of 2041 entries finds the level of a colour. */
export const COLOUR_WEIGHTS = [6, 1, 1] as const;
export const COLOUR_SUMS = 255 * (6 + 1 + 1) + 1;

const SCALES: readonly ColourScale[] = [
  { name: 'sox', colours: PALETTE, levels: PALETTE_SIZE, decibels: RANGE_DB / (PALETTE_SIZE - 2) },
  {
    name: 'grey',
    colours: Uint8Array.from({ length: 3 * 256 }, (_, i) => Math.floor(i / 3)),
    levels: 256,
    decibels: RANGE_DB / 255,
  },
];

/** The level of each sum of weighted channels; `unknown` where no colour of the scale has this sum: [COLOUR_SUMS]. */
export function levelTable({ colours, levels }: ColourScale, unknown = 0): Float32Array {
  const table = new Float32Array(COLOUR_SUMS).fill(unknown);
  for (let level = 0; level < levels; level++) table[sumAt(colours, 3 * level)] = level;
  return table;
}

function sumAt(pixels: Uint8Array, at: number): number {
  return COLOUR_WEIGHTS[0] * pixels[at] + COLOUR_WEIGHTS[1] * pixels[at + 1] + COLOUR_WEIGHTS[2] * pixels[at + 2];
}

/**
 * The scale that all pixels of images are of: SoX's colours, or grey; undefined where there is none.
 * @param images RGB, 3 bytes a pixel
 */
export function colourScaleOf(images: Uint8Array): ColourScale | undefined {
  return SCALES.find((scale) => {
    const table = levelTable(scale, -1);
    for (let at = 0; at < images.length; at += 3) {
      const level = table[sumAt(images, at)];
      if (level < 0) return false;
      for (let channel = 0; channel < 3; channel++) {
        if (scale.colours[3 * level + channel] !== images[at + channel]) return false;
      }
    }
    return true;
  });
}
