import type { Coding } from './pcm.js';

export interface BlockCoding {
  channels: number;
  /** Size of a block in bytes */
  block: number;
  /** Number of samples per channel in a complete block */
  frames: number;
}

const INDEX_STEPS = [-1, -1, -1, -1, 2, 4, 6, 8];
/** The step sizes in the IMA's "Recommended Practices for Enhancing Digital Audio Compatibility", revision 3. */
const STEPS = [
  ...[7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107],
  ...[
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
  ],
  ...[1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894],
  ...[6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794],
  32767,
];

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));

/** Converts a block of interleaved 16-bit samples to the mean of the channels. */
function mean(samples: Int32Array, channels: number): Float64Array {
  return Float64Array.from({ length: samples.length / channels }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += samples[i * channels + c] / 32768;
    return sum / channels;
  });
}

/** Creates a coding whose blocks can be decoded separately. */
function blocks({ channels, block }: BlockCoding, decode: (bytes: DataView) => Int32Array): Coding {
  return {
    unit: block,
    bits: 4,
    float: false,
    block: true,
    mono: (bytes) => {
      const parts: Float64Array[] = [];
      for (let at = 0; at < bytes.length; at += block) {
        const length = Math.min(block, bytes.length - at);
        parts.push(mean(decode(new DataView(bytes.buffer, bytes.byteOffset + at, length)), channels));
      }
      const samples = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        samples.set(part, at);
        at += part.length;
      }
      return samples;
    },
  };
}

/**
 * IMA ADPCM as in WAV files. A block starts with one sample and a step index for each channel, followed by runs of 8
 * samples that alternate between the channels.
 */
export function imaAdpcm(coding: BlockCoding): Coding {
  const { channels } = coding;
  const header = 4 * channels;
  return blocks(coding, (view) => {
    const groups = Math.max(0, Math.floor((view.byteLength - header) / header));
    const frames = view.byteLength < header ? 0 : Math.min(coding.frames, 1 + 8 * groups);
    const samples = new Int32Array(frames * channels);
    for (let c = 0; c < channels && frames > 0; c++) {
      let value = view.getInt16(4 * c, true);
      let index = clamp(view.getUint8(4 * c + 2), 0, STEPS.length - 1);
      samples[c] = value;
      for (let i = 1; i < frames; i++) {
        const at = header + Math.floor((i - 1) / 8) * header + 4 * c + (((i - 1) % 8) >> 1);
        const code = (i - 1) % 2 === 0 ? view.getUint8(at) & 15 : view.getUint8(at) >> 4;
        const step = STEPS[index];
        const change = (step >> 3) + (code & 4 ? step : 0) + (code & 2 ? step >> 1 : 0) + (code & 1 ? step >> 2 : 0);
        value = clamp(code & 8 ? value - change : value + change, -32768, 32767);
        index = clamp(index + INDEX_STEPS[code & 7], 0, STEPS.length - 1);
        samples[i * channels + c] = value;
      }
    }
    return samples;
  });
}

const ADAPTATION = [230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230];

/**
 * Microsoft ADPCM. A block starts with a predictor, a step and two samples for each channel, followed by half a byte
 * per sample.
 * @param predictors pairs of coefficients, from which each block selects one per channel
 */
export function msAdpcm(coding: BlockCoding, predictors: readonly (readonly [number, number])[]): Coding {
  const { channels } = coding;
  const header = 7 * channels;
  return blocks(coding, (view) => {
    const codes = Math.max(0, view.byteLength - header) * 2;
    const frames = view.byteLength < header ? 0 : Math.min(coding.frames, 2 + Math.floor(codes / channels));
    const samples = new Int32Array(frames * channels);
    const chosen: (readonly [number, number])[] = [];
    const steps: number[] = [];
    for (let c = 0; c < channels && frames > 1; c++) {
      chosen.push(predictors[view.getUint8(c)] ?? [0, 0]);
      steps.push(view.getInt16(channels + 2 * c, true));
      samples[channels + c] = view.getInt16(3 * channels + 2 * c, true);
      samples[c] = view.getInt16(5 * channels + 2 * c, true);
    }
    for (let i = 2 * channels; i < samples.length; i++) {
      const c = i % channels;
      const nibble = i - 2 * channels;
      const byte = view.getUint8(header + (nibble >> 1));
      const code = nibble % 2 === 0 ? byte >> 4 : byte & 15;
      const [first, second] = chosen[c];
      const predicted = (samples[i - channels] * first + samples[i - 2 * channels] * second) >> 8;
      samples[i] = clamp(predicted + (code < 8 ? code : code - 16) * steps[c], -32768, 32767);
      steps[c] = Math.max(16, (ADAPTATION[code] * steps[c]) >> 8);
    }
    return samples;
  });
}
