const WORDS = 624;
const MIDDLE = 397;

/**
 * Reimplements numpy's legacy `numpy.random.RandomState`, seeded with one integer. scikit-learn's `random_state` uses
 * this generator. The same seed and sequence of calls produce exactly the same numbers as in numpy. Source: Matsumoto
 * and Nishimura, "Mersenne Twister" (1998), seeded like its `init_genrand`. Bounded integers are drawn by masked
 * rejection, like numpy's legacy `random_interval`.
 */
export class RandomState {
  readonly #state = new Uint32Array(WORDS);
  #next = WORDS;

  /**
   * @param seed integer in [0, 2^32)
   * @throws RangeError for any other seed, like numpy's ValueError
   */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
      throw new RangeError(`a seed must be an integer from 0 to 4294967295, not ${seed}`);
    }
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < WORDS; i++) {
      state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  /** A uniform unsigned 32-bit integer. */
  uint32(): number {
    if (this.#next === WORDS) this.#regenerate();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #regenerate(): void {
    const state = this.#state;
    for (let i = 0; i < WORDS; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % WORDS] & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % WORDS] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }

  /** Uniform integer in [0, bound), equal to `RandomState.randint(bound)`; `bound` is an integer in [1, 2^32]. */
  randint(bound: number): number {
    const maximum = bound - 1;
    // numpy does not draw a number if there is only one choice
    if (maximum === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(maximum);
    for (;;) {
      const value = (this.uint32() & mask) >>> 0;
      if (value <= maximum) return value;
    }
  }

  /** Shuffles in place, equal to `RandomState.shuffle` of a one-dimensional array. */
  shuffle<T>(items: { [index: number]: T; readonly length: number }): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.randint(i + 1);
      const swap = items[i];
      items[i] = items[j];
      items[j] = swap;
    }
  }

  /** The integers 0 to n - 1 in random order, equal to `RandomState.permutation(n)`. */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    this.shuffle(order);
    return order;
  }
}
