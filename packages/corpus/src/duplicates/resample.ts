/** Number of zero crossings on each side of the kernel. */
const CROSSINGS = 8;
/**
 * Number of positions between two samples for which a kernel is computed. Rounding to the nearest of these positions
 * causes an error below -50 dB at a quarter of the sampling rate.
 */
const PHASES = 512;
/** End of the passband, as a share of the highest frequency that both rates can represent. */
const PASSBAND = 0.9;

interface Kernel {
  /** Number of input samples on either side of an output sample */
  reach: number;
  /** `PHASES` rows of `2 * reach` weights */
  weights: Float32Array;
}

const kernels = new Map<string, Kernel>();

/**
 * Computes the kernel for each fraction of an input sample: a sinc with a Hann window, which cuts off below both
 * Nyquist frequencies.
 */
function kernelOf(rate: number, target: number): Kernel {
  const name = `${rate} ${target}`;
  const known = kernels.get(name);
  if (known) return known;
  const cutoff = (PASSBAND * Math.min(rate, target)) / rate;
  const reach = Math.ceil(CROSSINGS / cutoff);
  const weights = new Float32Array(PHASES * 2 * reach);
  for (let phase = 0; phase < PHASES; phase++) {
    for (let tap = 0; tap < 2 * reach; tap++) {
      const x = tap - reach + 1 - phase / PHASES;
      const angle = Math.PI * cutoff * x;
      const window = Math.abs(x) < reach ? 0.5 + 0.5 * Math.cos((Math.PI * x) / reach) : 0;
      weights[phase * 2 * reach + tap] = cutoff * window * (angle === 0 ? 1 : Math.sin(angle) / angle);
    }
  }
  const kernel = { reach, weights };
  kernels.set(name, kernel);
  return kernel;
}

/**
 * Resamples a signal with an accuracy of about -50 dB, which is enough for comparing sounds but not for listening to
 * them.
 * @param samples mono, at `rate` Hz
 * @param target rate of the result in Hz
 */
export function resample(samples: Float64Array, rate: number, target: number): Float32Array {
  if (rate === target) return Float32Array.from(samples);
  const { reach, weights } = kernelOf(rate, target);
  const output = new Float32Array(Math.round((samples.length * target) / rate));
  for (let i = 0; i < output.length; i++) {
    const position = Math.round((i * rate * PHASES) / target);
    const base = Math.floor(position / PHASES) - reach + 1;
    const row = (position % PHASES) * 2 * reach;
    const from = Math.max(0, -base);
    const to = Math.min(2 * reach, samples.length - base);
    let sum = 0;
    for (let tap = from; tap < to; tap++) sum += samples[base + tap] * weights[row + tap];
    output[i] = sum;
  }
  return output;
}
