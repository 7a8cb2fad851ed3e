import { Fft } from '@cryfold/core';
import { evenOut } from './level.js';

/**
 * Magnitudes below this share of the largest magnitude are raised to that share, so that near silence is not amplified.
 */
const FLOOR = 0.01;
/**
 * Number of samples over which a sound is faded in and out: 20 ms at 8 kHz. Without fading, the edges of two clips
 * would correlate.
 */
const FADE = 160;

export interface Alignment {
  /** Number of samples by which the second sound starts after the first one; negative if it starts earlier */
  lag: number;
  /** Height of the whitened correlation's peak, in units of the correlation's standard deviation over all lags */
  peak: number;
  /** Share of the band in which both sounds have energy, 0 to 1. Very small for tones, which match at any lag */
  breadth: number;
  /** Normalised correlation of the overlapping samples at this lag, 0 to 1 */
  correlation: number;
  /** Number of samples in which the sounds overlap */
  overlap: number;
}

/**
 * Aligns two sounds by whitened cross-correlation, and measures how similar their common part is. Reuses its working
 * memory.
 */
export class Correlator {
  #fft = new Fft(2);
  #re = new Float64Array(2);
  #im = new Float64Array(2);

  /**
   * @param first samples at the same rate as `second`
   * @param shortest minimum overlap in samples to consider
   */
  align(first: Float32Array, second: Float32Array, shortest: number): Alignment {
    this.#resize(first.length + second.length);
    fill(this.#re, evenOut(first));
    fill(this.#im, evenOut(second));
    this.#fft.transform(this.#re, this.#im);
    const breadth = this.#whiten();
    // Swapping the real and imaginary parts gives the inverse transform.
    this.#fft.transform(this.#im, this.#re);
    const { lag, peak } = this.#highest(shortest - second.length, first.length - shortest);
    let best = { correlation: 0, overlap: 0 };
    for (const near of [lag, lag - 1, lag + 1]) {
      const own = normalised(first, second, near);
      if (own.correlation > best.correlation) best = own;
    }
    return { lag, peak, breadth, ...best };
  }

  #resize(samples: number): void {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, samples)));
    if (size === this.#fft.size) return;
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
  }

  /**
   * Converts the transform of first + i * second into the whitened cross-spectrum. @returns the share of the band in
   * which both sounds have energy
   */
  #whiten(): number {
    const { size } = this.#fft;
    const re = this.#re;
    const im = this.#im;
    const half = size / 2;
    let [largestA, largestB] = [0, 0];
    for (let k = 0; k <= half; k++) {
      const j = (size - k) % size;
      const [ar, ai] = [re[k] + re[j], im[k] - im[j]];
      const [br, bi] = [im[k] + im[j], re[j] - re[k]];
      largestA = Math.max(largestA, ar * ar + ai * ai);
      largestB = Math.max(largestB, br * br + bi * bi);
    }
    const floorA = FLOOR * Math.sqrt(largestA);
    const floorB = FLOOR * Math.sqrt(largestB);
    let [sum, squares] = [0, 0];
    for (let k = 0; k <= half; k++) {
      const j = (size - k) % size;
      const [ar, ai] = [re[k] + re[j], im[k] - im[j]];
      const [br, bi] = [im[k] + im[j], re[j] - re[k]];
      const weight =
        Math.max(Math.sqrt(ar * ar + ai * ai), floorA) * Math.max(Math.sqrt(br * br + bi * bi), floorB) || 1;
      const own = Math.sqrt((ar * ar + ai * ai) * (br * br + bi * bi)) / weight;
      sum += own;
      squares += own * own;
      const real = (ar * br + ai * bi) / weight;
      const imaginary = (ai * br - ar * bi) / weight;
      re[k] = real;
      im[k] = imaginary;
      re[j] = real;
      im[j] = -imaginary;
    }
    return squares > 0 ? (sum * sum) / (squares * (half + 1)) : 0;
  }

  #highest(from: number, to: number): { lag: number; peak: number } {
    const { size } = this.#fft;
    const re = this.#re;
    let squares = 0;
    let highest = 0;
    let lag = 0;
    for (let at = from; at <= to; at++) {
      const height = Math.abs(re[at < 0 ? at + size : at]);
      squares += height * height;
      if (height > highest) {
        highest = height;
        lag = at;
      }
    }
    const deviation = Math.sqrt(squares / Math.max(1, to - from + 1));
    return { lag, peak: deviation > 0 ? highest / deviation : 0 };
  }
}

/** Copies a sound into a longer buffer, faded at both ends and padded with zeros. */
function fill(target: Float64Array, samples: Float32Array): void {
  target.fill(0);
  const { length } = samples;
  const fade = Math.min(FADE, length >> 1);
  for (let i = 0; i < length; i++) {
    const edge = Math.min(i + 1, length - i);
    target[i] = samples[i] * (edge > fade ? 1 : 0.5 - 0.5 * Math.cos((Math.PI * edge) / (fade + 1)));
  }
}

/** Returns the correlation of the common samples if the second sound starts `lag` samples after the first. */
function normalised(first: Float32Array, second: Float32Array, lag: number): { correlation: number; overlap: number } {
  const from = Math.max(0, lag);
  const to = Math.min(first.length, second.length + lag);
  let [product, a, b] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    product += first[i] * second[i - lag];
    a += first[i] * first[i];
    b += second[i - lag] * second[i - lag];
  }
  const correlation = a > 0 && b > 0 ? Math.abs(product) / Math.sqrt(a * b) : 0;
  return { correlation, overlap: Math.max(0, to - from) };
}
