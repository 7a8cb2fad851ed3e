import { MONOCHROME, PALETTE, PALETTE_SIZE } from '@cryfold/core';

/**
 * How the colours of images represent levels of sound. Level 0 is for sounds below the scale, and the last level is for
 * sounds at or above the top of the scale.
 */
export interface ColourScale {
  name: 'sox' | 'monochrome' | 'grey';
  /** [levels, 3], RGB */
  colours: Uint8Array;
  levels: number;
  /** Decibels per level */
  decibels: number;
}

/** 6 R + G + B is different for each colour of a scale, so a table of 2041 entries can map colours to levels. */
export const COLOUR_WEIGHTS = [6, 1, 1] as const;
const COLOUR_SUMS = 255 * (6 + 1 + 1) + 1;

/** SoX's lowest level is for sounds below the range. */
const SOX = { levels: PALETTE_SIZE, steps: PALETTE_SIZE - 2 };
const GREY = Uint8Array.from({ length: 3 * 256 }, (_, i) => Math.floor(i / 3));

const SCALES = [
  { name: 'sox', colours: PALETTE, ...SOX },
  { name: 'monochrome', colours: MONOCHROME, ...SOX },
  { name: 'grey', colours: GREY, levels: 256, steps: 255 },
] as const;

/**
 * Returns the level for each sum of weighted channels, or `unknown` for sums that do not belong to any colour:
 * [COLOUR_SUMS].
 */
export function levelTable({ colours, levels }: Omit<ColourScale, 'decibels'>, unknown = 0): Float32Array {
  const table = new Float32Array(COLOUR_SUMS).fill(unknown);
  for (let level = 0; level < levels; level++) table[sumAt(colours, 3 * level)] = level;
  return table;
}

function sumAt(pixels: Uint8Array, at: number): number {
  return COLOUR_WEIGHTS[0] * pixels[at] + COLOUR_WEIGHTS[1] * pixels[at + 1] + COLOUR_WEIGHTS[2] * pixels[at + 2];
}

/**
 * Returns the scale that contains all colours of the images: SoX's colours, SoX's monochrome colours, or grey;
 * undefined if none of these scales contains all of them.
 * @param images RGB, 3 bytes per pixel
 * @param decibels range of the scale; default: SoX's range
 */
export function colourScaleOf(images: Uint8Array, decibels = 120): ColourScale | undefined {
  const found = SCALES.find((scale) => {
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
  if (!found) return undefined;
  const { steps, ...scale } = found;
  return { ...scale, decibels: decibels / steps };
}
