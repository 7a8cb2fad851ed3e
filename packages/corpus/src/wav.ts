import { CONVERT, invalid } from './audio/audio-format.js';
import { parseBytes } from './audio/bytes.js';
import { decodePcm, SampleCheck } from './audio/pcm.js';
import { UnknownCoding } from './audio/wav-coding.js';
import { wavHeader } from './audio/wav-header.js';

export interface Wav {
  /** sampling rate in Hz */
  rate: number;
  /** channels in the file, before the mix-down */
  channels: number;
  /** mono, the mean of the channels; integer PCM is scaled to [-1, 1), float PCM is not scaled */
  samples: Float64Array;
}

/**
 * Decodes a WAV file in memory: RIFF, RIFX, RF64, BW64 or Wave64 with any sampling rate and number of channels, PCM
 * with 1 to 32 bits, IEEE float, A-law, mu-law, IMA ADPCM or Microsoft ADPCM. Use `openAudio` for recordings of any
 * format and size.
 * @param name shown in messages
 * @throws CryfoldError WAV_INVALID, WAV_EMPTY, WAV_NOT_FINITE or WAV_SCALE, with the file in the message
 */
export function decodeWav(bytes: Uint8Array, name: string): Wav {
  try {
    const { value: layout, position } = parseBytes(wavHeader(name, bytes.length), bytes);
    const samples = decodePcm(bytes.subarray(position), layout, name);
    const check = new SampleCheck(name);
    check.add(samples);
    check.end();
    return { rate: layout.rate, channels: layout.channels, samples };
  } catch (error) {
    if (!(error instanceof UnknownCoding)) throw error;
    throw invalid(name, `${error.coding} is not supported in memory`, CONVERT.sox);
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
  view.setUint16(20, 1, true);
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
