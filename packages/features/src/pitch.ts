import { CryfoldError, Fft } from '@cryfold/core';
import { checkClip, type Framing, frameSizes } from './short-time-power.js';

export interface PitchOptions extends Framing {
  /** The lowest frequency to search for, Hz */
  fmin: number;
  /** The highest frequency to search for, Hz; at most half the rate */
  fmax: number;
  /** A frame is voiced if its aperiodicity has a minimum below this */
  threshold: number;
}

/** One value per frame. */
export interface Pitch {
  /** Hz */
  frequency: Float64Array;
  /** 1 if the frame is voiced, otherwise 0, in which case its frequency is meaningless */
  voiced: Uint8Array;
}

/** The smallest normal float64, which librosa adds to avoid division by zero. */
const TINY = 2 ** -1022;

/**
 * Tracks the fundamental frequency of clips of the same length and rate by YIN (de Cheveigne and Kawahara 2002), like
 * librosa.yin with frame_length, hop_length and trough_threshold. The period is the position of the first dip of the
 * normalised difference below the threshold, refined to a fraction of a sample by fitting a parabola. Without such a
 * dip, the deepest point is used and the frame is unvoiced. librosa 0.11 omits y(0)^2 from the difference at period 1,
 * contrary to its own formula; this code does not.
 */
export class PitchTracker {
  readonly #samples: number;
  readonly #frame: number;
  readonly #hop: number;
  readonly #count: number;
  readonly #rate: number;
  readonly #threshold: number;
  /** Shortest and longest period in samples */
  readonly #least: number;
  readonly #most: number;
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #buffer: Float64Array;

  /** @throws CryfoldError SPEC_INVALID if the options do not suit the sampling rate */
  constructor({ fmin, fmax, threshold, ...framing }: PitchOptions) {
    const { rate, samples } = framing;
    const { frame, hop } = frameSizes(framing);
    const half = Math.floor(frame / 2);
    this.#samples = samples;
    this.#frame = frame;
    this.#hop = hop;
    this.#count = 1 + Math.floor((samples + 2 * half - frame) / hop);
    this.#rate = rate;
    this.#threshold = threshold;
    this.#least = Math.floor(rate / fmax);
    this.#most = Math.ceil(rate / fmin);
    if (this.#least < 2 || this.#most - this.#least < 2 || this.#most > frame - 1) {
      const message = `pitch from ${fmin} to ${fmax} Hz cannot be detected in frames of ${frame} samples at ${rate} Hz`;
      throw new CryfoldError('SPEC_INVALID', message, {
        context: { fmin, fmax, rate, frame },
        hint: 'Choose an fmax no higher than half the sampling rate of any recording, a lower fmin, or longer frames (frameMs).',
      });
    }
    this.#fft = new Fft(2 ** Math.ceil(Math.log2(frame + this.#most + 1)));
    this.#re = new Float64Array(this.#fft.size);
    this.#im = new Float64Array(this.#fft.size);
    this.#buffer = new Float64Array(samples + 2 * frame);
  }

  /**
   * @param clip one mono clip, full scale +-1
   * @throws CryfoldError WAV_NOT_FINITE; RangeError for an unexpected length
   */
  track(clip: Float64Array): Pitch {
    checkClip(clip, this.#samples);
    this.#buffer.set(clip, Math.floor(this.#frame / 2));
    const pitch = { frequency: new Float64Array(this.#count), voiced: new Uint8Array(this.#count) };
    for (let i = 0; i < this.#count; i++) {
      const start = i * this.#hop;
      const difference = this.#difference(this.#buffer.subarray(start, start + this.#frame));
      const { at, voiced } = firstDip(difference, this.#threshold);
      pitch.frequency[i] = this.#rate / (this.#least + at + vertex(difference, at));
      pitch.voiced[i] = Number(voiced);
    }
    return pitch;
  }

  /** Computes the cumulative mean normalised difference of a frame, per period. */
  #difference(frame: Float64Array): Float64Array {
    this.#autocorrelate(frame);
    const correlation = this.#re;
    const difference = new Float64Array(this.#most - this.#least + 1);
    let [sum, head] = [0, 0];
    for (let period = 1; period <= this.#most; period++) {
      head += frame[period - 1] * frame[period - 1];
      const value = 2 * (correlation[0] - correlation[period]) - head;
      sum += value;
      if (period >= this.#least) difference[period - this.#least] = value / (sum / period + TINY);
    }
    return difference;
  }

  /** Writes the autocorrelation of a frame to `#re`. */
  #autocorrelate(frame: Float64Array): void {
    const { size } = this.#fft;
    const [re, im] = [this.#re.fill(0), this.#im.fill(0)];
    re.set(frame);
    this.#fft.transform(re, im);
    for (let i = 0; i < size; i++) {
      re[i] = (re[i] * re[i] + im[i] * im[i]) / size;
      im[i] = 0;
    }
    this.#fft.transform(re, im);
  }
}

/** Finds the first local minimum below the threshold, or otherwise the smallest element. */
function firstDip(values: Float64Array, threshold: number): { at: number; voiced: boolean } {
  let least = 0;
  for (let i = 0; i < values.length; i++) {
    const after = i + 1 < values.length ? values[i + 1] : Number.POSITIVE_INFINITY;
    const isDip = i === 0 ? values[0] < after : values[i] < values[i - 1] && values[i] <= after;
    if (isDip && values[i] < threshold) return { at: i, voiced: true };
    if (values[i] < values[least]) least = i;
  }
  return { at: least, voiced: false };
}

/** Returns the vertex of the parabola through an element and its neighbours, as an offset from -1 to 1. */
function vertex(values: Float64Array, at: number): number {
  if (at === 0 || at === values.length - 1) return 0;
  const curvature = values[at + 1] + values[at - 1] - 2 * values[at];
  const slope = (values[at + 1] - values[at - 1]) / 2;
  return Math.abs(slope) >= Math.abs(curvature) ? 0 : -slope / curvature;
}
