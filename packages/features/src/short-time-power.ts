import { CryfoldError } from '@cryfold/core';
import { PowerSpectrum } from './power-spectrum.js';

/** How clips are cut into overlapping frames. */
export interface Framing {
  /** Hz */
  rate: number;
  /** Length of every clip in samples */
  samples: number;
  /** Length of a frame in milliseconds */
  frameMs: number;
  /** Distance from the centre of one frame to that of the next, in milliseconds */
  hopMs: number;
}

/** Sizes of frames in samples. */
export interface FrameSizes {
  /** Length of a frame */
  frame: number;
  /** From the centre of one frame to the next */
  hop: number;
  /** Number of frames of a clip; the first frame is centred on the first sample */
  count: number;
}

/** Frame sizes that PowerSpectrum supports. */
const MAX_FRAME = 65_536;

/** @throws CryfoldError SPEC_INVALID if the frames do not suit the sampling rate */
export function frameSizes({ rate, samples, frameMs, hopMs }: Framing): FrameSizes {
  const frame = Math.round((frameMs * rate) / 1000);
  const hop = Math.max(1, Math.round((hopMs * rate) / 1000));
  if (frame < 8 || frame > MAX_FRAME) {
    throw new CryfoldError('SPEC_INVALID', `frames of ${frameMs} ms at ${rate} Hz have ${frame} samples`, {
      context: { frameMs, rate },
      hint: `Choose frameMs so that a frame has 8 to ${MAX_FRAME} samples.`,
    });
  }
  return { frame, hop, count: 1 + Math.floor(samples / hop) };
}

/** @throws CryfoldError WAV_NOT_FINITE if a sample is NaN or infinite; RangeError for an unexpected length */
export function checkClip(clip: Float64Array, samples: number): void {
  if (clip.length !== samples) throw new RangeError(`expected a clip of ${samples} samples, not ${clip.length}`);
  const bad = clip.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new CryfoldError('WAV_NOT_FINITE', `sample ${bad} of a clip is ${clip[bad]}`, { context: { sample: bad } });
}

/**
 * Computes short-time power spectra of clips of equal length and rate. They equal |librosa.stft(y, n_fft, hop_length,
 * win_length)|^2 with its defaults: a periodic Hann window centred in the transform, and zeros before and after the
 * clip.
 */
export class ShortTimePower {
  /** Transform length: the length of a frame, rounded up to a power of two */
  readonly size: number;
  readonly count: number;
  readonly #samples: number;
  readonly #hop: number;
  readonly #window: Float64Array;
  readonly #bins: Uint16Array;
  readonly #buffer: Float64Array;
  readonly #spectrum: PowerSpectrum;
  readonly #power: Float64Array;

  /** @throws CryfoldError SPEC_INVALID if the frames do not suit the sampling rate */
  constructor(framing: Framing) {
    const { frame, hop, count } = frameSizes(framing);
    this.size = Math.max(8, 2 ** Math.ceil(Math.log2(frame)));
    this.count = count;
    this.#samples = framing.samples;
    this.#hop = hop;
    const first = Math.floor((this.size - frame) / 2);
    this.#window = new Float64Array(this.size);
    for (let i = 0; i < frame; i++) this.#window[first + i] = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / frame);
    this.#bins = Uint16Array.from({ length: this.size / 2 + 1 }, (_, bin) => bin);
    this.#buffer = new Float64Array(framing.samples + this.size);
    this.#spectrum = new PowerSpectrum(this.size);
    this.#power = new Float64Array(this.#bins.length);
  }

  /**
   * Calls `visit` with the power of each frame at bins 0 to size / 2. The array is reused for the next frame.
   * @param clip one mono clip, full scale +-1
   * @throws CryfoldError WAV_NOT_FINITE; RangeError for an unexpected length
   */
  each(clip: Float64Array, visit: (power: Float64Array, frame: number) => void): void {
    checkClip(clip, this.#samples);
    this.#buffer.set(clip, this.size / 2);
    for (let frame = 0; frame < this.count; frame++) {
      this.#power.fill(0);
      const part = { start: frame * this.#hop, window: this.#window };
      this.#spectrum.add(this.#buffer, part, this.#bins, this.#power);
      visit(this.#power, frame);
    }
  }
}
