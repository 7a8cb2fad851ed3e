import { Fft } from '@cryfold/core';

/** Length of a frame in samples, and distance from one frame to the next: 64 ms and 16 ms at 8 kHz. */
const FRAME = 512;
const HOP = 128;
const BINS = FRAME / 2;
/** A peak is the largest value within this number of bins and frames on either side. */
const NEAR_BINS = 5;
const NEAR_FRAMES = 3;
/** Maximum number of peaks to keep per second, the strongest first. */
const PEAKS = 120;
/** Number of later peaks with which each peak is paired. */
const PAIRS = 8;
const LONGEST = 31;
const WIDEST = 31;
/** Bins below 62 Hz are ignored, since they contain hum and offsets. */
const LOWEST_BIN = 4;

/** Number of different landmarks. */
export const LANDMARKS = BINS * 64 * 32;

/**
 * Pairs of spectral peaks, and the frame in which each pair starts. Equal sounds have many pairs in common, in the same
 * order.
 */
export interface Landmarks {
  /** Each at least 0 and less than `LANDMARKS` */
  hashes: Int32Array;
  frames: Int32Array;
}

interface Peak {
  frame: number;
  bin: number;
  power: number;
}

const fft = new Fft(FRAME);
const window = Float64Array.from({ length: FRAME }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME));

/**
 * Computes the landmarks of a sound as in Wang, "An industrial-strength audio search algorithm" (ISMIR 2003).
 * @param samples at 8 kHz
 */
export function landmarksOf(samples: Float32Array): Landmarks {
  const peaks = strongest(findPeaks(powers(samples)), Math.ceil((PEAKS * samples.length) / 8000));
  const hashes: number[] = [];
  const frames: number[] = [];
  for (const [i, { frame, bin }] of peaks.entries()) {
    let pairs = 0;
    for (let j = i + 1; j < peaks.length && pairs < PAIRS; j++) {
      const later = peaks[j].frame - frame;
      const higher = peaks[j].bin - bin;
      if (later > LONGEST) break;
      if (later < 1 || Math.abs(higher) > WIDEST) continue;
      hashes.push((bin * 64 + higher + WIDEST) * 32 + later);
      frames.push(frame);
      pairs++;
    }
  }
  return { hashes: Int32Array.from(hashes), frames: Int32Array.from(frames) };
}

/** Computes the power per frame and bin. Two real frames are transformed together as one complex signal. */
function powers(samples: Float32Array): Float64Array[] {
  const count = Math.max(1, Math.floor((samples.length - FRAME) / HOP) + 1);
  const all: Float64Array[] = [];
  const re = new Float64Array(FRAME);
  const im = new Float64Array(FRAME);
  for (let frame = 0; frame < count; frame += 2) {
    for (let i = 0; i < FRAME; i++) {
      re[i] = window[i] * (samples[frame * HOP + i] ?? 0);
      im[i] = window[i] * (samples[(frame + 1) * HOP + i] ?? 0);
    }
    fft.transform(re, im);
    const first = new Float64Array(BINS);
    const second = new Float64Array(BINS);
    for (let k = LOWEST_BIN; k < BINS; k++) {
      const [r, m] = [re[FRAME - k], im[FRAME - k]];
      first[k] = (re[k] + r) ** 2 + (im[k] - m) ** 2;
      second[k] = (im[k] + m) ** 2 + (re[k] - r) ** 2;
    }
    all.push(first);
    if (frame + 1 < count) all.push(second);
  }
  return all;
}

/** Returns the largest value in each window of `2 * near + 1` neighbours. */
function spread(values: Float64Array, near: number): Float64Array {
  return values.map((_, i) => {
    let largest = 0;
    for (let k = Math.max(0, i - near); k <= i + near && k < values.length; k++) {
      if (values[k] > largest) largest = values[k];
    }
    return largest;
  });
}

/** Returns the peaks, sorted by frame, then by bin. */
function findPeaks(powers: readonly Float64Array[]): Peak[] {
  const wide = powers.map((frame) => spread(frame, NEAR_BINS));
  const peaks: Peak[] = [];
  for (const [frame, own] of powers.entries()) {
    const around = wide.slice(Math.max(0, frame - NEAR_FRAMES), frame + NEAR_FRAMES + 1);
    for (let bin = LOWEST_BIN; bin < BINS; bin++) {
      const power = own[bin];
      if (power > 0 && power === wide[frame][bin] && around.every((one) => one[bin] <= power)) {
        peaks.push({ frame, bin, power });
      }
    }
  }
  return peaks;
}

function strongest(peaks: Peak[], count: number): Peak[] {
  if (peaks.length <= count) return peaks;
  const least = peaks.map(({ power }) => power).sort((a, b) => b - a)[count - 1];
  return peaks.filter(({ power }) => power >= least);
}
