import { deriveSeed, Random } from '@cryfold/core';

const PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71];

/** Number of significant digits. Further digits would change the value by less than 2^-53. */
const digits = (base: number) => Math.ceil(53 / Math.log2(base));

/**
 * The scrambled Halton sequence: points that fill [0, 1)^d more evenly than independent random points, no matter how
 * many of them are used. Each digit of each dimension has its own permutation. Source: Owen, "A randomized Halton
 * algorithm in R" (2017).
 */
export class Halton {
  readonly #permutations: Uint8Array[][];

  constructor(dimensions: number, seed: number) {
    if (dimensions > PRIMES.length) {
      throw new RangeError(`only ${PRIMES.length} dimensions are supported, not ${dimensions}`);
    }
    this.#permutations = PRIMES.slice(0, dimensions).map((base, d) =>
      Array.from({ length: digits(base) }, (_, digit) => {
        const permutation = Uint8Array.from({ length: base }, (_, i) => i);
        new Random(deriveSeed(seed, 'halton', d, digit)).shuffle(permutation);
        return permutation;
      }),
    );
  }

  /** @param index index of the point, from 0 */
  point(index: number): number[] {
    return this.#permutations.map((permutations, d) => {
      const base = PRIMES[d];
      let rest = index;
      let scale = 1;
      let value = 0;
      for (const permutation of permutations) {
        scale /= base;
        value += permutation[rest % base] * scale;
        rest = Math.floor(rest / base);
      }
      // Rounding may produce exactly 1.
      return Math.min(value, 1 - Number.EPSILON);
    });
  }
}
