import { type Framing, ShortTimePower } from '../short-time-power.js';
import { type MelBand, melBands } from './mel-bands.js';

/** Parameters of a log-mel spectrogram. */
export interface LogMelOptions extends Framing {
  melBands: number;
  /** Hz */
  fmin: number;
  /** Upper end of the highest band in Hz; default: half the sampling rate */
  fmax?: number;
  /** Levels that are more than this many dB below the loudest level of the clip are raised to that limit */
  topDb: number;
}

/** Rows of equal length, row-major: one row per band or coefficient, one column per frame. */
export interface Series {
  rows: number;
  frames: number;
  data: Float64Array;
}

/** Minimum power, librosa's amin. */
const LEAST_POWER = 1e-10;
/** The level of digital silence */
export const SILENCE_DB = 10 * Math.log10(LEAST_POWER);

/**
 * Computes log-mel spectrograms of clips of the same length and rate, in dB relative to a power of 1. They equal
 * `librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=rate, ...), top_db=topDb)`.
 */
export class LogMel {
  readonly frames: number;
  readonly #power: ShortTimePower;
  readonly #bands: MelBand[];
  readonly #topDb: number;

  /** @throws CryfoldError SPEC_INVALID if the options do not suit the sampling rate */
  constructor(options: LogMelOptions) {
    this.#power = new ShortTimePower(options);
    this.frames = this.#power.count;
    this.#topDb = options.topDb;
    const { rate, melBands: bands, fmin, fmax } = options;
    this.#bands = melBands({ rate, size: this.#power.size, bands, fmin, ...(fmax !== undefined && { fmax }) });
  }

  /**
   * Computes levels in dB, bands x frames, lowest band first.
   * @param clip one mono clip, full scale +-1
   * @throws CryfoldError WAV_NOT_FINITE; RangeError for an unexpected length
   */
  levels(clip: Float64Array): Series {
    const { frames } = this;
    const data = new Float64Array(this.#bands.length * frames);
    let loudest = Number.NEGATIVE_INFINITY;
    this.#power.each(clip, (power, frame) => {
      for (let band = 0; band < this.#bands.length; band++) {
        const { first, weights } = this.#bands[band];
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * power[first + i];
        const level = 10 * Math.log10(Math.max(LEAST_POWER, sum));
        data[band * frames + frame] = level;
        if (level > loudest) loudest = level;
      }
    });
    const least = loudest - this.#topDb;
    for (let i = 0; i < data.length; i++) if (data[i] < least) data[i] = least;
    return { rows: this.#bands.length, frames, data };
  }
}
