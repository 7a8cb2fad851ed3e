import { CryfoldError } from '@cryfold/core';
import { CONVERT, invalid, type OpenAudio } from './audio-format.js';
import type { ByteReader } from './bytes.js';

/** How samples are encoded. */
export interface Coding {
  /** Number of bytes that must be decoded together: a frame, or a block of compressed samples */
  unit: number;
  /** Whether samples can exceed full scale */
  float: boolean;
  /** Bits per stored sample */
  bits: number;
  /** Whether each unit is a block of compressed samples, of which the last one may be padded */
  block?: boolean;
  /**
   * Decodes complete frames to the mean of their channels. `bytes` must consist of complete units, except for the last
   * one, which may be truncated
   */
  mono(bytes: Uint8Array): Float64Array;
}

/** What a header says about the samples that follow it. */
export interface Layout {
  rate: number;
  channels: number;
  coding: Coding;
  /** Number of bytes of samples; undefined if the samples continue to the end of the file */
  bytes?: number;
  /** Samples per channel. May be fewer than the bytes contain, because the last block may be padded */
  frames?: number;
}

type ReadSample = (view: DataView, at: number) => number;

const SIGN = 128;
/** Decodes mu-law (ITU-T G.711), scaled as in sox and libsndfile. */
function mulaw(code: number): number {
  const bits = ~code & 255;
  const value = (((bits & 15) << 3) + 132) << ((bits & 112) >> 4);
  return (bits & SIGN ? 132 - value : value - 132) / 32768;
}

function alaw(code: number): number {
  const bits = code ^ 85;
  const exponent = (bits & 112) >> 4;
  const step = (bits & 15) << 4;
  const value = exponent === 0 ? step + 8 : (step + 264) << (exponent - 1);
  return (bits & SIGN ? value : -value) / 32768;
}

const table = (decode: (code: number) => number): ReadSample => {
  const values = Float64Array.from({ length: 256 }, (_, code) => decode(code));
  return (view, at) => values[view.getUint8(at)];
};

/** The encoding of a single sample. Integers are left-justified in their bytes. */
export interface PlainCoding {
  kind: 'int' | 'unsigned' | 'float' | 'alaw' | 'mulaw';
  /** Bytes per sample and channel: 1 to 4 for integers, and 4 or 8 for floats */
  width: number;
  little: boolean;
}

function sampleReader({ kind, width, little }: PlainCoding): ReadSample {
  if (kind === 'alaw') return table(alaw);
  if (kind === 'mulaw') return table(mulaw);
  if (kind === 'unsigned') return (view, at) => (view.getUint8(at) - 128) / 128;
  if (kind === 'float') {
    return width === 4 ? (view, at) => view.getFloat32(at, little) : (view, at) => view.getFloat64(at, little);
  }
  switch (width) {
    case 1:
      return (view, at) => view.getInt8(at) / 128;
    case 2:
      return (view, at) => view.getInt16(at, little) / 32768;
    case 3:
      return little
        ? (view, at) => (view.getUint8(at) + 256 * view.getInt16(at + 1, true)) / 8388608
        : (view, at) => (view.getUint8(at + 2) + 256 * view.getInt16(at, false)) / 8388608;
    default:
      return (view, at) => view.getInt32(at, little) / 2147483648;
  }
}

export function plainCoding(plain: PlainCoding, channels: number): Coding {
  const read = sampleReader(plain);
  const { width } = plain;
  const unit = width * channels;
  return {
    unit,
    bits: 8 * width,
    float: plain.kind === 'float',
    mono: (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const samples = new Float64Array(Math.floor(bytes.length / unit));
      for (let i = 0, at = 0; i < samples.length; i++) {
        let sum = 0;
        for (let c = 0; c < channels; c++, at += width) sum += read(view, at);
        samples[i] = sum / channels;
      }
      return samples;
    },
  };
}

/** Number of bytes of samples to decode at a time. */
const PIECE = 2 ** 17;

/** @throws CryfoldError WAV_INVALID if more than part of the last frame or block is missing */
function checkPresent({ bytes, coding }: Layout, present: number, name: string): void {
  if (bytes === undefined || bytes - present < coding.unit) return;
  throw invalid(
    name,
    `truncated: its header declares ${bytes} bytes of sound, but it has ${present}`,
    CONVERT.truncated,
  );
}

/** Opens audio whose samples start at the reader's position. @throws CryfoldError WAV_INVALID if it is truncated */
export function openPcm(reader: ByteReader, layout: Layout, name: string): OpenAudio {
  if (reader.size !== undefined) checkPresent(layout, reader.size - reader.position, name);
  const { rate, channels, coding } = layout;
  const bytes = layout.bytes ?? (reader.size === undefined ? undefined : reader.size - reader.position);
  const frames = layout.frames ?? (bytes === undefined ? undefined : framesOf(coding, bytes));
  return {
    ...{ rate, channels, bits: coding.bits, blocks: pcmBlocks(reader, layout, name) },
    ...(frames === undefined ? {} : { frames }),
  };
}

function framesOf(coding: Coding, bytes: number): number {
  const perUnit = coding.mono(new Uint8Array(coding.unit)).length;
  return Math.floor(bytes / coding.unit) * perUnit;
}

async function* pcmBlocks(reader: ByteReader, layout: Layout, name: string): AsyncGenerator<Float64Array> {
  const { coding } = layout;
  const piece = coding.unit * Math.max(1, Math.floor(PIECE / coding.unit));
  const wanted = layout.bytes ?? Number.POSITIVE_INFINITY;
  let frames = layout.frames ?? Number.POSITIVE_INFINITY;
  let taken = 0;
  while (taken < wanted && frames > 0) {
    const bytes = await reader.take(Math.min(piece, wanted - taken));
    if (bytes.length === 0) break;
    taken += bytes.length;
    const samples = coding.mono(bytes).subarray(0, frames);
    frames -= samples.length;
    yield samples;
  }
  checkPresent(layout, frames > 0 ? taken : wanted, name);
}

/** Decodes samples in memory. @throws CryfoldError WAV_INVALID */
export function decodePcm(bytes: Uint8Array, layout: Layout, name: string): Float64Array {
  checkPresent(layout, bytes.length, name);
  return layout.coding.mono(bytes.subarray(0, layout.bytes)).subarray(0, layout.frames);
}

/** If a sample exceeds this absolute value, the full scale of the recording cannot be +-1. */
const LOUDEST = 2;

/** Checks the samples of a recording as they arrive. */
export class SampleCheck {
  readonly #name: string;
  #count = 0;
  #peak = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** The largest absolute value so far */
  get peak(): number {
    return this.#peak;
  }

  /** @throws CryfoldError WAV_NOT_FINITE, WAV_SCALE */
  add(samples: Float64Array): void {
    for (let i = 0; i < samples.length; i++) {
      const level = Math.abs(samples[i]);
      if (level <= this.#peak) continue;
      if (!Number.isFinite(level)) throw this.#notFinite(this.#count + i);
      this.#peak = level;
    }
    this.#count += samples.length;
    if (this.#peak > LOUDEST) throw this.#unscaled();
  }

  /** @throws CryfoldError WAV_EMPTY */
  end(): void {
    if (this.#count > 0) return;
    throw new CryfoldError('WAV_EMPTY', `${this.#name}: contains no samples`, {
      context: { file: this.#name },
      hint: 'Remove it, or pass --skip-bad to leave such files out.',
    });
  }

  #notFinite(sample: number): CryfoldError {
    return new CryfoldError('WAV_NOT_FINITE', `${this.#name}: sample ${sample} is NaN or infinite`, {
      context: { file: this.#name, sample },
      hint: 'Export the recording again, or pass --skip-bad to leave such files out.',
    });
  }

  #unscaled(): CryfoldError {
    const peak = Number(this.#peak.toPrecision(4));
    const full = 2 ** Math.ceil(Math.log2(this.#peak));
    const why = `its float samples reach ${peak}, but full scale is 1`;
    return new CryfoldError('WAV_SCALE', `${this.#name}: ${why}`, {
      context: { file: this.#name, peak },
      hint: CONVERT.scale.replace('FACTOR', `1/${full}`),
    });
  }
}
