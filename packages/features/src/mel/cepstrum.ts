import type { Series } from './log-mel.js';

/**
 * The discrete cosine transform (type 2, orthonormal) of each frame, reduced to the first coefficients. Applied to a
 * log-mel spectrogram, this is librosa.feature.mfcc.
 */
export class Cepstrum {
  readonly #basis: Float64Array[];

  /**
   * @param bands number of rows of the series
   * @param coefficients at most as many as bands
   */
  constructor(bands: number, coefficients: number) {
    this.#basis = Array.from({ length: coefficients }, (_, k) => {
      const scale = Math.sqrt((k === 0 ? 1 : 2) / bands);
      return Float64Array.from(
        { length: bands },
        (_, n) => scale * Math.cos((Math.PI * k * (2 * n + 1)) / (2 * bands)),
      );
    });
  }

  /** Returns coefficients x frames. */
  of({ rows, frames, data }: Series): Series {
    const out = new Float64Array(this.#basis.length * frames);
    this.#basis.forEach((basis, k) => {
      const row = out.subarray(k * frames, (k + 1) * frames);
      for (let n = 0; n < rows; n++) {
        const weight = basis[n];
        for (let frame = 0; frame < frames; frame++) row[frame] += weight * data[n * frames + frame];
      }
    });
    return { rows: this.#basis.length, frames, data: out };
  }
}
