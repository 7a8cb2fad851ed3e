import { PALETTE, PALETTE_SIZE } from '@cryfold/core';
import { nearestSources } from '../spectrogram.js';
import { LogMel, type LogMelOptions, SILENCE_DB } from './log-mel.js';

/**
 * Draws log-mel spectrograms of clips of the same length and rate, with one pixel row per band and the highest band on
 * top.
 */
export class MelImager {
  readonly #mel: LogMel;
  readonly #columns: Uint32Array;
  readonly #topDb: number;

  /**
   * @param width number of columns; frames are dropped or repeated by nearest neighbour
   * @throws CryfoldError SPEC_INVALID if the options do not suit the sampling rate
   */
  constructor(options: LogMelOptions, width: number) {
    this.#mel = new LogMel(options);
    this.#columns = nearestSources(this.#mel.frames, width);
    this.#topDb = options.topDb;
  }

  /**
   * Returns height x width x RGB, row-major, in SoX's colours, where white is the loudest level of the clip and black
   * is `topDb` below it.
   * @throws CryfoldError WAV_NOT_FINITE; RangeError for an unexpected length
   */
  image(clip: Float64Array): Uint8Array {
    const { rows, frames, data } = this.#mel.levels(clip);
    const width = this.#columns.length;
    const image = new Uint8Array(rows * width * 3);
    const loudest = data.reduce((most, level) => Math.max(most, level));
    if (loudest <= SILENCE_DB) return image;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < width; column++) {
        const level = data[(rows - 1 - row) * frames + this.#columns[column]];
        const colour = 3 * Math.round((1 + (level - loudest) / this.#topDb) * (PALETTE_SIZE - 1));
        image.set(PALETTE.subarray(colour, colour + 3), 3 * (row * width + column));
      }
    }
    return image;
  }
}
