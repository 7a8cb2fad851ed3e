/** Equal parts of a clip's sound, in time. */
const PARTS = 32;
/** The sound itself and its first and second differences, which weigh high frequencies more and more. */
const BANDS = 3;
/** Share of the energy that counts as silence at either end. */
const SILENCE = 1e-4;
/**
 * Largest distance between prints of one sound. Measured: the nearest different clips are 0.058 apart in the synthetic
 * corpus and 0.105 in donateacry; copies at a tenth of the level, with 16 bits and between zeros, are 0.0004 from their
 * source at the median and above this limit for 1 in 50, where hardly any bits are left.
 */
const SAME = 0.03;

/**
 * How a clip's energy goes over time in three bands: equal, but for rounding, for copies of one sound whatever their
 * level and the silence around them. Its square sum is 1.
 * @param samples mono
 */
export function soundPrint(samples: Float64Array): Float64Array {
  const [start, end] = soundingRange(samples);
  const print = new Float64Array(PARTS * BANDS);
  const at = (i: number) => (i < start ? 0 : samples[i]);
  for (let i = start; i < end; i++) {
    const part = Math.floor(((i - start) / (end - start)) * PARTS);
    const first = samples[i] - at(i - 1);
    const second = first - at(i - 1) + at(i - 2);
    print[part] += samples[i] ** 2;
    print[PARTS + part] += first ** 2;
    print[2 * PARTS + part] += second ** 2;
  }
  for (let band = 0; band < BANDS; band++) {
    const own = print.subarray(band * PARTS, (band + 1) * PARTS);
    const total = own.reduce((sum, energy) => sum + energy, 0) || 1;
    own.forEach((energy, part) => {
      own[part] = Math.sqrt(energy / total / BANDS);
    });
  }
  return print;
}

/** The range of samples outside of which lies next to none of the energy. */
function soundingRange(samples: Float64Array): [number, number] {
  const total = samples.reduce((sum, sample) => sum + sample * sample, 0);
  let [start, end] = [0, samples.length];
  for (let energy = samples[start] ** 2; start < end - 1 && energy <= SILENCE * total; energy += samples[start] ** 2)
    start++;
  for (
    let energy = samples[end - 1] ** 2;
    end > start + 1 && energy <= SILENCE * total;
    energy += samples[end - 1] ** 2
  )
    end--;
  return [start, end];
}

/**
 * For each clip the first clip of the same sound, itself where there is no other.
 * @param prints of `soundPrint`
 */
export function findDuplicates(prints: readonly Float64Array[]): Int32Array {
  const first = Int32Array.from(prints.keys());
  // Clips of one sound are near in any one coordinate too, so only neighbours in that order are compared.
  const coordinate = PARTS / 2;
  const order = [...prints.keys()].sort((a, b) => prints[a][coordinate] - prints[b][coordinate]);
  for (const [rank, a] of order.entries()) {
    for (let next = rank + 1; next < order.length; next++) {
      const b = order[next];
      if (prints[b][coordinate] - prints[a][coordinate] > SAME) break;
      if (distance(prints[a], prints[b]) > SAME) continue;
      const [low, high] = [Math.min(first[a], first[b]), Math.max(first[a], first[b])];
      first.forEach((mark, i) => {
        if (mark === high) first[i] = low;
      });
    }
  }
  return first;
}

function distance(a: Float64Array, b: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    squares += (a[i] - b[i]) ** 2;
    if (squares > SAME * SAME) break;
  }
  return Math.sqrt(squares);
}
