/** Samples on either side over which the level is measured: 25 ms at 8 kHz. */
const NEAR = 200;
/** Parts quieter than this share of the loudest part stay quieter: they would be only noise. */
const FLOOR = 0.1;
/** Samples at either end up to this share of the largest count as silence around the sound. */
const SILENCE = 1e-3;

/** A sound with its level evened out over time, so that its quiet parts count as well as its loud ones. */
export function evenOut(samples: Float32Array): Float32Array {
  const energy = new Float64Array(samples.length + 1);
  for (let i = 0; i < samples.length; i++) energy[i + 1] = energy[i] + samples[i] * samples[i];
  const levels = samples.map((_, i) => {
    const [from, to] = [Math.max(0, i - NEAR), Math.min(samples.length, i + NEAR + 1)];
    return Math.sqrt((energy[to] - energy[from]) / (to - from));
  });
  const floor = FLOOR * levels.reduce((a, b) => Math.max(a, b), 0);
  return samples.map((sample, i) => (floor > 0 ? sample / Math.max(levels[i], floor) : 0));
}

/** A view of a sound without the silence around it; empty if all of it is silent. */
export function trim(samples: Float32Array): Float32Array {
  const least = SILENCE * samples.reduce((largest, sample) => Math.max(largest, Math.abs(sample)), 0);
  let [start, end] = [0, samples.length];
  while (start < end && Math.abs(samples[start]) <= least) start++;
  while (end > start && Math.abs(samples[end - 1]) <= least) end--;
  return samples.subarray(start, end);
}
