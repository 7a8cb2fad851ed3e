import { Fft } from '@cryfold/core';

/** A section of a signal that is weighted by a window. */
export interface Frame {
  /** First sample of the section */
  start: number;
  /** One weight per sample */
  window: Float64Array;
}

/**
 * Computes the power spectrum of real frames of one power-of-two length, at selected bins. A frame of N real samples is
 * transformed as N/2 complex samples (even samples as real parts, odd samples as imaginary parts), and only the
 * requested bins are separated. Formulas: Press et al., Numerical Recipes, 3rd ed., section 12.3.2 (real FFT).
 */
export class PowerSpectrum {
  readonly #fft: Fft;
  /** cos and sin of 2 pi k / size, for k < size */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /** @param size samples per frame: a power of two from 8 to 65536 */
  constructor(readonly size: number) {
    const half = size / 2;
    if (!Number.isInteger(Math.log2(half)) || half < 4 || half > 32768)
      throw new RangeError(`unsupported frame size ${size}`);
    this.#fft = new Fft(half);
    this.#cos = Float64Array.from({ length: size }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: size }, (_, k) => Math.sin((2 * Math.PI * k) / size));
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
  }

  /**
   * Adds |X[bin]|^2 of a frame of `size` samples to `power`, one element per bin.
   * @param samples at least `frame.start + size` long
   * @param bins from 0 to size/2
   * @param power sums to add to, of the same length as `bins`
   */
  add(samples: Float64Array, { start, window }: Frame, bins: Uint16Array, power: Float64Array): void {
    const { size: half, reversed } = this.#fft;
    const re = this.#re;
    const im = this.#im;
    for (let i = 0, j = 0; i < half; i++, j += 2) {
      const to = reversed[i];
      re[to] = samples[start + j] * window[j];
      im[to] = samples[start + j + 1] * window[j + 1];
    }
    this.#fft.transformReversed(re, im);
    const size = this.size;
    for (let i = 0; i < bins.length; i++) {
      const k = bins[i];
      const a = k === half ? 0 : k;
      const b = a === 0 ? 0 : half - a;
      const evenRe = re[a] + re[b];
      const evenIm = im[a] - im[b];
      const oddRe = im[a] + im[b];
      const oddIm = re[b] - re[a];
      const c = this.#cos[k % size];
      const s = this.#sin[k % size];
      const xRe = 0.5 * (evenRe + c * oddRe + s * oddIm);
      const xIm = 0.5 * (evenIm + c * oddIm - s * oddRe);
      power[i] += xRe * xRe + xIm * xIm;
    }
  }
}
