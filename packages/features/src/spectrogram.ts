import { CryfoldError, MONOCHROME, PALETTE, PALETTE_SIZE } from '@cryfold/core';
import { type Frame, PowerSpectrum } from './power-spectrum.js';
import { type SoxWindow, soxWindow, windowSum } from './sox-window.js';

const MAX_COLUMNS_PER_SECOND = 5000;
/** SoX stores every sample as a 32-bit integer. */
const SAMPLE_SCALE = 2 ** 31;

/** Options of sox, with sox's defaults. */
export interface SoxOptions {
  /** -w: window function; default: hann */
  window?: SoxWindow;
  /** -z: decibels from the loudest colour to black; default: 120 */
  dynamicRange?: number;
  /** -Z: level of the loudest colour in dB of full scale; default: 0 */
  maximum?: number;
  /**
   * Samples per analysis frame, a power of two from 128 to 2048, at any sampling rate. In sox, -y sets 1 + frame / 2
   * rows; default: 1024
   */
  frame?: number;
  /** -x: maximum number of columns, at most 5000 per second; default: 800 */
  columns?: number;
  /** -m: use shades of grey; default: false */
  monochrome?: boolean;
}

export interface ImageSize {
  /** rows, 1 or more; 60 in the paper */
  height: number;
  /** columns, 1 or more; 90 in the paper */
  width: number;
}

export interface ImagerOptions extends ImageSize, SoxOptions {
  /** sample rate in Hz */
  rate: number;
  /** length of every clip in samples */
  samples: number;
}

/**
 * The source pixel of each target pixel in Pillow's NEAREST resize, which Keras' `load_img` uses: the centre of the
 * target pixel in source coordinates, rounded down. Pillow accumulates the scale from pixel to pixel, so if a centre is
 * on a border (every ninth of 90 columns from 800), the rounding of the running sum decides. Therefore columns 13 and
 * 22 are one less than floor((i + 0.5) * 800 / 90).
 */
export function nearestSources(source: number, target: number): Uint32Array {
  const scale = source / target;
  const sources = new Uint32Array(target);
  let centre = scale * 0.5;
  for (let i = 0; i < target; i++) {
    sources[i] = Math.floor(centre);
    centre += scale;
  }
  return sources;
}

/**
 * Draws the paper's images of clips of the same length and rate: the output of `sox clip.wav -n spectrogram -r` (sox
 * 14.4.2), resized by nearest neighbour to the target size. Only the required columns and rows are computed. sox's
 * behaviour was determined by comparing images, and has been verified for 4 to 96 kHz and clips of 20 to 1.6 million
 * samples (0 of 19.6 million pixels of 50 random shapes differ):
 * - step = floor(rate / min(5000, 800 / duration)) samples, at least 1, in this order of operations in double precision
 * (1.5 s at 8 kHz gives 14, not 15). A step over 512 becomes b = ceil(step / 512) frames per column, round(step / b)
 * apart, whose powers are averaged;
 * - frame f is centred on sample f * step + floor(step / 2). The frame exists if its centre is within the clip or just
 *   after it, up to 800 columns; the rest of the clip is not drawn;
 * - a frame that extends beyond the end of the clip has a periodic Hann window of length L from the frame's start to
 *   the clip's end. In a frame that begins before the clip, the window extends from the clip's start to the frame's
 *   end. Other frames have L = 1024. The window is scaled by 4 L / 1024^2, which is 2 / sum for a whole frame;
 * - level = 10 log10 |X|^2 dB in single precision (with double precision, 7 of 2,700,000 real pixels are one step off);
 * the colour is 0 below -120 dB, otherwise 1 + floor((1 + level / 120) * 249), at most 250;
 * - the top row is bin 512.
 */
export class SpectrogramImager {
  readonly height: number;
  readonly width: number;
  readonly #samples: number;
  readonly #frame: number;
  readonly #range: number;
  readonly #gain: number;
  readonly #palette: Uint8Array;
  /** For each column of the image: its frames, as positions in `#buffer` */
  readonly #columns: Frame[][] = [];
  readonly #bins: Uint16Array;
  /** A clip, with half a frame of zeros before it and a whole frame of zeros after it */
  readonly #buffer: Float64Array;
  readonly #power: Float64Array;
  readonly #spectrum: PowerSpectrum;

  /**
   * @throws CryfoldError WAV_EMPTY if clips are too short for one column (a few samples); sox draws nothing for such
   * clips
   */
  constructor({ rate, samples, height, width, ...sox }: ImagerOptions) {
    const { window: shape = 'hann', dynamicRange = 120, maximum = 0, frame = 1024, columns = 800 } = sox;
    this.height = height;
    this.width = width;
    this.#samples = samples;
    this.#frame = frame;
    this.#range = dynamicRange;
    this.#gain = -maximum;
    this.#palette = sox.monochrome ? MONOCHROME : PALETTE;
    this.#buffer = new Float64Array(frame / 2 + samples + frame);
    this.#power = new Float64Array(height);
    this.#spectrum = new PowerSpectrum(frame);
    this.#bins = Uint16Array.from(nearestSources(frame / 2 + 1, height), (row) => frame / 2 - row);

    const drawn = Math.max(1, Math.floor(rate / Math.min(MAX_COLUMNS_PER_SECOND, columns / (samples / rate))));
    const perColumn = Math.ceil(drawn / Math.floor(windowSum(shape, frame) + 0.5));
    const step = Math.round(drawn / perColumn);
    const centre = Math.floor(step / 2);
    const frames = Math.min(columns * perColumn, Math.floor((samples - centre) / step) + 1);
    if (samples < 1 || frames < 1) {
      throw new CryfoldError('WAV_EMPTY', `a clip of ${samples} samples at ${rate} Hz is too short for a spectrogram`, {
        context: { samples, rate },
        hint: 'Use longer clips (clipSeconds in the spec).',
      });
    }
    const windows = new Map<string, Float64Array>();
    for (const column of nearestSources(Math.ceil(frames / perColumn), width)) {
      const averaged: Frame[] = [];
      for (let f = column * perColumn; f < Math.min(frames, (column + 1) * perColumn); f++) {
        const begin = f * step + centre - frame / 2;
        const end = begin + frame;
        const cut = end > samples;
        const start = cut ? begin : Math.max(0, begin);
        const length = Math.min(samples, end) - start;
        const key = `${length} ${cut}`;
        const window = windows.get(key) ?? soxWindow({ shape, frame, length, cut });
        windows.set(key, window);
        averaged.push({ start: frame / 2 + start, window });
      }
      this.#columns.push(averaged);
    }
  }

  /**
   * Returns the colour index (0 to 250) of each pixel: height x width, row-major, with the highest frequency in row 0.
   * @param samples one mono clip, full scale +-1 (louder samples are clipped, as in sox), of the expected length
   * @throws CryfoldError WAV_NOT_FINITE if a sample is NaN or infinite; RangeError for an unexpected length
   */
  indices(samples: Float64Array): Uint8Array {
    this.#load(samples);
    const { width, height } = this;
    const power = this.#power;
    const indices = new Uint8Array(height * width);
    for (let column = 0; column < width; column++) {
      const frames = this.#columns[column];
      power.fill(0);
      for (const frame of frames) this.#spectrum.add(this.#buffer, frame, this.#bins, power);
      for (let row = 0; row < height; row++) {
        const level = Math.fround(10 * Math.log10(power[row] / frames.length) + this.#gain);
        if (level < -this.#range) continue;
        const index = 1 + Math.floor((1 + level / this.#range) * (PALETTE_SIZE - 2));
        indices[row * width + column] = Math.min(PALETTE_SIZE - 1, index);
      }
    }
    return indices;
  }

  /**
   * Returns the image in colour: height x width x RGB, row-major, 0 to 255. Takes the same arguments, and throws the
   * same errors, as `indices`.
   */
  image(samples: Float64Array): Uint8Array {
    const indices = this.indices(samples);
    const palette = this.#palette;
    const image = new Uint8Array(indices.length * 3);
    for (let i = 0; i < indices.length; i++) {
      image[3 * i] = palette[3 * indices[i]];
      image[3 * i + 1] = palette[3 * indices[i] + 1];
      image[3 * i + 2] = palette[3 * indices[i] + 2];
    }
    return image;
  }

  /** Copies a clip into the buffer at sox's resolution; the surrounding zeros are kept. */
  #load(samples: Float64Array): void {
    if (samples.length !== this.#samples) {
      throw new RangeError(`this imager expects clips of ${this.#samples} samples, not ${samples.length}`);
    }
    for (let i = 0; i < samples.length; i++) {
      const value = Math.round(samples[i] * SAMPLE_SCALE);
      if (!Number.isFinite(value)) {
        throw new CryfoldError('WAV_NOT_FINITE', `sample ${i} of a clip is ${samples[i]}`, { context: { sample: i } });
      }
      this.#buffer[this.#frame / 2 + i] = Math.max(-SAMPLE_SCALE, Math.min(SAMPLE_SCALE - 1, value)) / SAMPLE_SCALE;
    }
  }
}

/**
 * Draws the paper's image of one clip: height x width x RGB, row-major, with the highest frequency in row 0. For many
 * clips of the same length and rate, use SpectrogramImager, which plans only once (planning takes as long as drawing an
 * image).
 * @param samples one mono clip, full scale +-1
 * @param rate sample rate in Hz
 */
export function clipImage(samples: Float64Array, rate: number, size: ImageSize): Uint8Array {
  return new SpectrogramImager({ ...size, rate, samples: samples.length }).image(samples);
}
