import { sha256 } from '@cryfold/core';
import { CandidateIndex } from './candidates.js';
import { Clusters } from './clusters.js';
import { type Alignment, Correlator } from './correlate.js';
import { landmarksOf } from './landmarks.js';
import { evenOut, trim } from './level.js';
import { resample } from './resample.js';

/** Sampling rate in Hz at which sounds are compared. */
const RATE = 8000;
/**
 * Two sounds count as the same if all of these values exceed their limits: the height of the whitened correlation's
 * peak in standard deviations, the share of the band on which the correlation is based, and the correlation of the
 * common samples. docs/evaluation.md contains the results of `tools/measure-duplicates` with these limits.
 */
const SAME = { peak: 10, clearPeak: 20, breadth: 0.1, correlation: 0.8, leastCorrelation: 0.5 };
/** Length in samples of the shortest common part to search for. */
const SHORTEST = 0.2 * RATE;
/** Maximum size in bytes of the samples that are kept in memory. */
const HELD = 64 * 2 ** 20;

/** A sound to compare. */
export interface Sound {
  /** mono */
  samples: Float64Array;
  /** in Hz */
  rate: number;
}

/**
 * For each sound, finds the first sound that is equal to it, overlaps it, or is connected to it through other sounds.
 * Detects copies at any level, with any silence around them, and (within the limits in docs/evaluation.md) at other
 * sampling rates or with other codecs, noise or shifts. All silent sounds count as equal. A sound without duplicates
 * maps to itself. If two sounds share spectral landmarks, their samples are correlated to confirm the match. Needs
 * memory for 64 MiB of samples, and 10 to 20 kB per second of sound up to about 200 MB, regardless of the number of
 * copies.
 * @param read returns all sounds, in the same order at each call; it is called once, and then again for each set of
 * candidates that fits into `memory`
 * @param memory maximum size in bytes of the samples that are kept in memory
 */
export async function findDuplicates(read: () => AsyncIterable<Sound>, memory = HELD): Promise<Int32Array> {
  const index = new CandidateIndex();
  const candidates: number[][] = [];
  /** Equal bytes need no comparison, so the first sound represents all of its copies. */
  const copies: [number, number][] = [];
  const known = new Map<string, number>();
  for await (const sound of read()) {
    const number = candidates.length;
    const own = normalise(sound);
    const hash = sha256(new Uint8Array(own.buffer, own.byteOffset, own.byteLength));
    const first = known.get(hash);
    if (first === undefined) known.set(hash, number);
    else copies.push([first, number]);
    candidates.push(first === undefined ? index.add(number, landmarksOf(evenOut(own))) : []);
  }
  const same = new Clusters(candidates.length);
  for (const [first, copy] of copies) same.join(first, copy);
  // Sounds are read again only if there are candidates to confirm.
  const alike = candidates.some((own) => own.length > 0);
  for (let start = 0; alike && start < candidates.length; ) {
    start = await confirm({ sounds: read(), candidates, same, memory }, start);
  }
  return same.firsts();
}

/** Returns the sound at the common rate, without surrounding silence; empty if all samples are equal. */
function normalise({ samples, rate }: Sound): Float32Array {
  if (samples.every((sample) => sample === samples[0])) return new Float32Array();
  return trim(resample(samples, rate, RATE));
}

/**
 * Loads as many sounds as fit into memory, beginning with `start`, and compares all later sounds with their candidates
 * among the loaded sounds.
 * @returns the first sound that was not loaded
 */
async function confirm(
  {
    sounds,
    candidates,
    same,
    memory,
  }: {
    sounds: AsyncIterable<Sound>;
    candidates: readonly (readonly number[])[];
    same: Clusters;
    memory: number;
  },
  start: number,
): Promise<number> {
  const wanted = new Set(candidates.flat());
  const correlator = new Correlator();
  const held = new Map<number, Float32Array>();
  let bytes = 0;
  let end = start;
  let number = 0;
  for await (const sound of sounds) {
    const own = number++;
    if (own < start) continue;
    const open = end === own && bytes < memory;
    const rivals = candidates[own].filter((one) => one >= start && one < end && same.first(one) !== same.first(own));
    const keep = open && wanted.has(own);
    if (open) end++;
    if (!keep && rivals.length === 0) continue;
    const samples = normalise(sound);
    if (keep) {
      held.set(own, samples);
      bytes += samples.byteLength;
    }
    for (const rival of rivals) {
      if (same.first(rival) === same.first(own)) continue;
      const found = correlator.align(held.get(rival) ?? samples, samples, SHORTEST);
      if (isSame(found)) same.join(rival, own);
    }
  }
  return end;
}

function isSame({ peak, breadth, correlation }: Alignment): boolean {
  // Speech codecs change the samples but leave a clear peak. Sounds that are merely similar correlate by chance, with a
  // low peak.
  const least = peak >= SAME.clearPeak ? SAME.leastCorrelation : SAME.correlation;
  return peak >= SAME.peak && breadth >= SAME.breadth && correlation >= least;
}
