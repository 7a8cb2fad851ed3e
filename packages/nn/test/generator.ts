import type { WeightMap } from '../src/network.js';

/** Uniform in [0, 1), as in scripts/goldens/nn.py: FNV-1a of the name, then murmur3's finaliser of each index. */
export function uniform(name: string, count: number): Float64Array {
  let salt = 2166136261;
  for (const byte of new TextEncoder().encode(name)) salt = Math.imul(salt ^ byte, 16777619) >>> 0;
  // A loop is used because `from` takes ten times as long for the 60 million weights of the largest network.
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(i, 2654435769) + salt) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 2246822507) >>> 0;
    h = Math.imul(h ^ (h >>> 13), 3266489909) >>> 0;
    values[i] = ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
  }
  return values;
}

/** Initial values of a weight, as in the script. */
function initial(name: string, shape: readonly number[]): Float32Array {
  const size = (dimensions: readonly number[]) => dimensions.reduce((product, length) => product * length, 1);
  const u = uniform(name, size(shape));
  const kind = name.split('/').at(-1);
  if (kind === 'kernel') {
    const limit = Math.sqrt(6 / (size(shape.slice(0, -2)) * (shape[shape.length - 2] + shape[shape.length - 1])));
    return new Float32Array(u.map((x) => (2 * x - 1) * limit));
  }
  if (kind === 'depthwise_kernel') {
    const limit = Math.sqrt(6 / (2 * size(shape.slice(0, -2))));
    return Float32Array.from(u, (x) => (2 * x - 1) * limit);
  }
  if (kind === 'gamma') return Float32Array.from(u, (x) => 0.2 + 0.1 * x);
  if (kind === 'beta') return Float32Array.from(u, (x, i) => (i % 3 === 0 ? -1 : 1) * (0.7 + 0.2 * x));
  if (kind === 'moving_variance') return Float32Array.from(u, (x) => 0.5 + x);
  return Float32Array.from(u, (x) => 0.2 * x - 0.1);
}

/** Initial values for all weights of a list. */
export function initialWeights(list: readonly { name: string; shape: readonly number[] }[]): WeightMap {
  return new Map(list.map(({ name, shape }) => [name, { shape, data: initial(name, shape) }]));
}

/** Images of triangle waves, as in the script: bytes [count, height, width, 3]. */
export function waveImages(count: number, height: number, width: number): Uint8Array {
  const [p, q, r] = ['p', 'q', 'r'].map((name) => uniform(name, count).map((x) => Math.floor(x * 24)));
  return Uint8Array.from({ length: count * height * width * 3 }, (_, at) => {
    const channel = at % 3;
    const x = Math.floor(at / 3) % width;
    const y = Math.floor(at / 3 / width) % height;
    const i = Math.floor(at / 3 / width / height);
    const wave = (p[i] * y + q[i] * x + r[i] * 10 + (p[i] + 2 * q[i] + 3 * r[i]) * channel) % 256;
    return wave < 128 ? 2 * wave : 511 - 2 * wave;
  });
}

/** Vectors, as in the script: float32 [count, columns]. */
export function waveVectors(count: number, columns: number): Float32Array {
  return Float32Array.from(uniform('vectors', count * columns), (x) => 4 * x - 2);
}

/** The norm of a tensor and some of its elements, as in the script. */
export function figures(values: ArrayLike<number>, count = 8): number[] {
  const flat = new Float64Array(values);
  const places = Array.from({ length: count }, (_, k) => Math.floor(((2 * k + 1) * flat.length) / (2 * count)));
  let square = 0;
  for (let i = 0; i < flat.length; i++) square += flat[i] * flat[i];
  return [Math.sqrt(square), ...places.map((place) => flat[place])];
}
