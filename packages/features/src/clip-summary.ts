import { MONOCHROME, PALETTE, PALETTE_SIZE } from '@cryfold/core';
import type { ClipSummary } from './kinds/feature-kind.js';

/** Number of bands of equal width from the top of the image to its bottom. */
const BANDS = 12;
/** Maps each colour to its index in the palette. */
const numbersOf = (palette: Uint8Array) =>
  new Map(Array.from({ length: PALETTE_SIZE }, (_, i) => [packed(palette, 3 * i), i]));
const COLOURS = { palette: numbersOf(PALETTE), monochrome: numbersOf(MONOCHROME) };

function packed(pixels: Uint8Array, at: number): number {
  return (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
}

interface Moments {
  mean: number;
  deviation: number;
}

function moments(values: Float64Array): Moments {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / values.length - mean * mean)) };
}

interface Picture {
  height: number;
  width: number;
  /**
   * Share of the image's frequency range, from 0 Hz up, that the recording contains. Bands above that range are left
   * out.
   */
  audibleShare?: number;
  /** Range of the colours in decibels, from black to the loudest colour */
  dynamicRange?: number | undefined;
  monochrome?: boolean | undefined;
}

/**
 * Summarises the sound of a clip from its spectrogram: for each of 12 bands, the mean level, its standard deviation
 * over time, its change from column to column, and the standard deviation within the band, which is large for
 * harmonics. All values are in dB. The liveliness is the mean of the standard deviations over time: 2.8 dB for steady
 * noise of any colour, and less for a tone.
 * @param image height x width x RGB in one of the palettes of `SpectrogramImager`
 */
export function summarizeImage(image: Uint8Array, picture: Picture): ClipSummary {
  const { height, width, audibleShare = 1, dynamicRange = 120, monochrome = false } = picture;
  const numbers = monochrome ? COLOURS.monochrome : COLOURS.palette;
  const decibels = dynamicRange / (PALETTE_SIZE - 2);
  const bands = Math.min(BANDS, height);
  const shape = new Float64Array(4 * bands).fill(Number.NaN);
  const first = Math.ceil((1 - audibleShare) * bands);
  let liveliness = 0;
  for (let band = first; band < bands; band++) {
    const from = Math.ceil((band * height) / bands);
    const to = Math.ceil(((band + 1) * height) / bands);
    const level = new Float64Array(width);
    const column = new Float64Array(to - from);
    let within = 0;
    let change = 0;
    for (let x = 0; x < width; x++) {
      for (let row = from; row < to; row++) {
        column[row - from] = (numbers.get(packed(image, 3 * (row * width + x))) ?? 0) * decibels;
      }
      const { mean, deviation } = moments(column);
      level[x] = mean;
      within += deviation / width;
      if (x > 0) change += Math.abs(mean - level[x - 1]) / (width - 1);
    }
    const { mean, deviation } = moments(level);
    shape.set([mean, deviation, change, within], 4 * band);
    liveliness += deviation / (bands - first);
  }
  return { liveliness, shape };
}
