import { Fft } from '@cryfold/core';

/** Properties of the samples of a recording, after the mix-down to mono. */
export interface SoundProperties {
  /** RMS in dB below full scale after removing the DC offset; at least -120 */
  level: number;
  /** Frequency in Hz below which 99 % of the energy lies, with a resolution of 1/1024 of the sampling rate */
  bandwidth: number;
  /** Share of 20 ms frames whose RMS is below -60 dBFS, 0 to 1 */
  silence: number;
  /** Share of samples that belong to runs of three or more equal samples at 99 % of full scale or above, 0 to 1 */
  clipping: number;
}

const LEAST_LEVEL = -120;
const ROLL_OFF = 0.99;
const SILENT_SECONDS = 0.02;
/** Mean square of -60 dBFS. */
const SILENT_POWER = 1e-6;
const CLIPPED = 0.99;
const CLIPPED_RUN = 3;

/** Number of samples in a transformed frame. */
const FRAME = 1024;
/**
 * Every frame is transformed up to twice this number of frames. The share of transformed frames is halved there, and
 * whenever the number of frames doubles.
 */
const ALL_FRAMES = 64;

const fft = new Fft(FRAME);

/**
 * Measures a recording while its samples arrive, in one pass and constant memory. The spectrum is estimated from a
 * number of frames that grows with the logarithm of the length, so measuring a long recording costs little more than
 * reading it.
 */
export class SoundMeter {
  readonly #silentFrame: number;
  readonly #frame = new Float64Array(FRAME);
  readonly #power = new Float64Array(FRAME / 2);
  readonly #rate: number;
  #filled = 0;
  #frames = 0;
  #transformed = 0;
  #count = 0;
  #sum = 0;
  #squares = 0;
  #frameCount = 0;
  #frameSquares = 0;
  #parts = 0;
  #silentParts = 0;
  #last = 0;
  #run = 0;
  #clipped = 0;

  /** @param rate sampling rate in Hz */
  constructor(rate: number) {
    this.#rate = rate;
    this.#silentFrame = Math.max(1, Math.round(rate * SILENT_SECONDS));
  }

  /** Measures blocks of samples and passes them on to the consumer. */
  async *through(blocks: AsyncIterable<Float64Array>): AsyncGenerator<Float64Array> {
    for await (const samples of blocks) {
      this.add(samples);
      yield samples;
    }
  }

  /** @param samples the next samples, full scale +-1 */
  add(samples: Float64Array): void {
    for (const sample of samples) {
      this.#sum += sample;
      this.#frameSquares += sample * sample;
      if (++this.#frameCount === this.#silentFrame) this.#endFrame();
      if (sample >= CLIPPED || sample <= -CLIPPED) this.#addLoud(sample);
      else this.#run = 0;
    }
    this.#count += samples.length;
    this.#addFrames(samples);
  }

  /** Returns the properties of all samples. Call it only once, after the last sample. */
  end(): SoundProperties {
    if (this.#frameCount > 0) this.#endFrame();
    if (this.#transformed === 0) this.#transform(this.#filled, 1);
    const mean = this.#sum / this.#count;
    const variance = this.#squares / this.#count - mean * mean;
    return {
      level: this.#count === 0 ? LEAST_LEVEL : Math.max(LEAST_LEVEL, 10 * Math.log10(Math.max(variance, 1e-300))),
      bandwidth: this.#bandwidth(),
      silence: this.#parts === 0 ? 0 : this.#silentParts / this.#parts,
      clipping: this.#count === 0 ? 0 : this.#clipped / this.#count,
    };
  }

  #addLoud(sample: number): void {
    this.#run = this.#run > 0 && sample === this.#last ? this.#run + 1 : 1;
    this.#last = sample;
    if (this.#run === CLIPPED_RUN) this.#clipped += CLIPPED_RUN;
    else if (this.#run > CLIPPED_RUN) this.#clipped++;
  }

  #endFrame(): void {
    this.#parts++;
    if (this.#frameSquares < SILENT_POWER * this.#frameCount) this.#silentParts++;
    this.#squares += this.#frameSquares;
    this.#frameSquares = 0;
    this.#frameCount = 0;
  }

  #addFrames(samples: Float64Array): void {
    for (let at = 0; at < samples.length; ) {
      const piece = samples.subarray(at, at + FRAME - this.#filled);
      this.#frame.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled < FRAME) return;
      const stride = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, this.#frames / ALL_FRAMES))));
      if (this.#frames++ % stride === 0) this.#transform(FRAME, stride);
      this.#filled = 0;
    }
  }

  /**
   * Adds the spectrum of a frame, after removing its DC offset and applying a Hann window.
   * @param weight number of frames that this frame represents
   */
  #transform(length: number, weight: number): void {
    this.#transformed++;
    const re = new Float64Array(FRAME);
    const im = new Float64Array(FRAME);
    let mean = 0;
    for (let i = 0; i < length; i++) mean += this.#frame[i] / length;
    for (let i = 0; i < length; i++) {
      re[i] = (this.#frame[i] - mean) * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / length));
    }
    fft.transform(re, im);
    for (let k = 0; k < FRAME / 2; k++) this.#power[k] += weight * (re[k] * re[k] + im[k] * im[k]);
  }

  #bandwidth(): number {
    const total = this.#power.reduce((sum, power) => sum + power, 0);
    let sum = 0;
    for (const [k, power] of this.#power.entries()) {
      sum += power;
      if (sum >= ROLL_OFF * total) return ((k + 1) * this.#rate) / FRAME;
    }
    return 0;
  }
}
