/** Number of samples on either side over which the level is measured: 25 ms at 8 kHz. */
const NEAR = 200;
/** Parts that are quieter than this share of the loudest part are not amplified, since they would only be noise. */
const FLOOR = 0.1;
/** Samples at either end with at most this share of the largest amplitude count as surrounding silence. */
const SILENCE = 1e-3;

/** Evens out the level of a sound over time, so that its quiet parts count as much as its loud parts. */
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

/** Returns a view of a sound without surrounding silence; empty if the whole sound is silent. */
export function trim(samples: Float32Array): Float32Array {
  const least = SILENCE * samples.reduce((largest, sample) => Math.max(largest, Math.abs(sample)), 0);
  let [start, end] = [0, samples.length];
  while (start < end && Math.abs(samples[start]) <= least) start++;
  while (end > start && Math.abs(samples[end - 1]) <= least) end--;
  return samples.subarray(start, end);
}
