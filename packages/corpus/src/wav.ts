import { CryfoldError } from '@cryfold/core';

export interface Wav {
  /** sampling rate in Hz */
  rate: number;
  /** channels in the file, before the mix-down */
  channels: number;
  /** mono, the mean of the channels; integer PCM scaled to [-1, 1), float PCM as it is */
  samples: Float64Array;
}

/** Bytes of the largest recording that is read: 50 minutes of CD sound. Decoded, it may take eight times as much. */
export const LARGEST_WAV = 2 ** 29;

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
/** KSDATAFORMAT_SUBTYPE GUIDs: the format tag in the first two bytes, then these fourteen. */
const SUBTYPE_TAIL = '000000001000800000aa00389b71';

/** Byte width of one sample by format tag and bits; anything else is not supported. */
const ENCODINGS: Record<number, readonly number[]> = { [PCM]: [8, 16, 24, 32], [FLOAT]: [32, 64] };

/** What a fmt chunk says about the samples. */
interface Format {
  tag: number;
  channels: number;
  /** Hz */
  rate: number;
  bits: number;
}

/** The body of a chunk: byte offset and length within the file. */
interface Chunk {
  body: number;
  size: number;
}

/** The bytes of a RIFF WAVE file, and what to call it in messages. */
class WavFile {
  readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  invalid(why: string): CryfoldError {
    return new CryfoldError('WAV_INVALID', `${this.name}: ${why}`, {
      context: { file: this.name },
      hint: 'Convert it to PCM WAV (`sox IN OUT.wav`) or remove it, or pass --skip-bad to leave such files out.',
    });
  }

  /** The four characters that name a form or a chunk. */
  fourCc(at: number): string {
    return String.fromCharCode(...this.bytes.subarray(at, at + 4));
  }
}

/**
 * Decodes a RIFF WAVE file: PCM of 8 (unsigned), 16, 24 or 32 bits, IEEE float of 32 or 64, plain or
 * WAVE_FORMAT_EXTENSIBLE, any rate and number of channels. Unknown chunks are skipped; what follows the data chunk is
 * not read. Memory use is bounded by eight times the size of `bytes`, whatever the header claims.
 * Source: Microsoft/IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991), and Microsoft's
 * WAVEFORMATEXTENSIBLE.
 * @param name what to call the file in messages
 * @throws CryfoldError WAV_INVALID, WAV_EMPTY or WAV_NOT_FINITE, naming the file
 */
export function decodeWav(bytes: Uint8Array, name: string): Wav {
  const file = new WavFile(bytes, name);
  checkHeader(file);
  let format: Format | undefined;
  let at = 12;
  while (at + 8 <= bytes.length) {
    const kind = file.fourCc(at);
    const chunk = { body: at + 8, size: file.view.getUint32(at + 4, true) };
    const { body, size } = chunk;
    const present = bytes.length - body;
    if (kind === 'data') {
      if (!format) throw file.invalid('the data chunk comes before any fmt chunk');
      if (size > present) {
        throw file.invalid(`truncated: the data chunk promises ${size} bytes and ${present} are there`);
      }
      return { rate: format.rate, channels: format.channels, samples: mixDown(file, format, chunk) };
    }
    if (size > present) throw file.invalid(`truncated: a chunk promises ${size} bytes and ${present} are there`);
    if (kind === 'fmt ') format = readFormat(file, chunk);
    at = body + size + (size & 1);
  }
  throw file.invalid('truncated: no data chunk');
}

function checkHeader(file: WavFile): void {
  if (file.bytes.length < 12) throw file.invalid(`not a WAV file: only ${file.bytes.length} bytes`);
  const container = file.fourCc(0);
  if (container !== 'RIFF') {
    const big = ['RIFX', 'RF64', 'BW64'].includes(container);
    throw file.invalid(big ? `${container} files are not supported, only RIFF` : 'not a WAV file: no RIFF header');
  }
  if (file.fourCc(8) !== 'WAVE') throw file.invalid('not a WAV file: the RIFF form is not WAVE');
}

function readFormat(file: WavFile, { body, size }: Chunk): Format {
  const { view } = file;
  if (size < 16) throw file.invalid(`the fmt chunk has ${size} bytes, not 16 or more`);
  let tag = view.getUint16(body, true);
  const channels = view.getUint16(body + 2, true);
  const rate = view.getUint32(body + 4, true);
  const align = view.getUint16(body + 12, true);
  const bits = view.getUint16(body + 14, true);
  if (tag === EXTENSIBLE) {
    if (size < 40) throw file.invalid(`an extensible fmt chunk has ${size} bytes, not 40 or more`);
    const tail = Buffer.from(file.bytes.subarray(body + 26, body + 40)).toString('hex');
    if (tail !== SUBTYPE_TAIL) throw file.invalid('an extensible format that is neither PCM nor float');
    tag = view.getUint16(body + 24, true);
  }
  if (!ENCODINGS[tag]?.includes(bits)) {
    throw file.invalid(`encoding ${tag} with ${bits} bits is not supported, only PCM 8/16/24/32 and float 32/64`);
  }
  if (channels === 0 || rate === 0) throw file.invalid(`${channels} channels at ${rate} Hz`);
  if (align !== (channels * bits) / 8) throw file.invalid(`a frame of ${align} bytes for ${channels} x ${bits} bits`);
  return { tag, channels, rate, bits };
}

/** The mean of the channels, sample by sample. */
function mixDown(file: WavFile, { tag, channels, bits }: Format, { body, size }: Chunk): Float64Array {
  const { name } = file;
  const width = bits / 8;
  if (size % (width * channels) !== 0) throw file.invalid('truncated: the data chunk ends within a frame');
  const length = size / (width * channels);
  if (length === 0) {
    throw new CryfoldError('WAV_EMPTY', `${name}: holds no samples`, {
      context: { file: name },
      hint: 'Remove it, or pass --skip-bad to leave such files out.',
    });
  }
  const read = sampleReader(file.view, tag, bits);
  const samples = new Float64Array(length);
  for (let i = 0, offset = body; i < length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, offset += width) sum += read(offset);
    const value = sum / channels;
    if (!Number.isFinite(value)) {
      throw new CryfoldError('WAV_NOT_FINITE', `${name}: sample ${i} is NaN or infinite`, {
        context: { file: name, sample: i },
        hint: 'Export the recording again, or pass --skip-bad to leave such files out.',
      });
    }
    samples[i] = value;
  }
  return samples;
}

function sampleReader(view: DataView, tag: number, bits: number): (offset: number) => number {
  if (tag === FLOAT) return bits === 32 ? (at) => view.getFloat32(at, true) : (at) => view.getFloat64(at, true);
  switch (bits) {
    case 8:
      return (at) => (view.getUint8(at) - 128) / 128;
    case 16:
      return (at) => view.getInt16(at, true) / 32768;
    case 24:
      return (at) => (view.getUint8(at) + 256 * view.getInt16(at + 1, true)) / 8388608;
    default:
      return (at) => view.getInt32(at, true) / 2147483648;
  }
}

/**
 * Encodes mono samples as 16-bit PCM WAV; values outside [-1, 1) are clipped.
 * @param rate sampling rate in Hz
 */
export function encodeWav(samples: Float64Array, rate: number): Uint8Array {
  const bytes = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; i++) {
    view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768))), true);
  }
  return bytes;
}
