/**
 * Complex discrete Fourier transforms of one power-of-two length, in place: radix-2, decimation in time, double
 * precision. The tables are filled once by the constructor.
 */
export class Fft {
  readonly #reversed: Uint32Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;

  /** @param size a power of two from 2 on */
  constructor(readonly size: number) {
    const bits = Math.log2(size);
    if (!Number.isInteger(bits) || bits < 1) throw new RangeError(`unsupported transform size ${size}`);
    this.#reversed = new Uint32Array(size);
    for (let i = 1; i < size; i++) this.#reversed[i] = (this.#reversed[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
    this.#cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: size / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / size));
  }

  /**
   * Replaces a signal by its transform. Swapping `re` and `im` gives the inverse, times `size`.
   * @param re real parts, `size` long
   * @param im imaginary parts, as long
   */
  transform(re: Float64Array, im: Float64Array): void {
    this.#reorder(re, im);
    const { size } = this;
    const cos = this.#cos;
    const sin = this.#sin;
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      // Blocks outside, so that memory is read in order.
      for (let block = 0; block < size; block += 2 * half) {
        for (let k = 0; k < half; k++) {
          const c = cos[k * stride];
          const s = sin[k * stride];
          const a = block + k;
          const b = a + half;
          const tr = re[b] * c + im[b] * s;
          const ti = im[b] * c - re[b] * s;
          re[b] = re[a] - tr;
          im[b] = im[a] - ti;
          re[a] += tr;
          im[a] += ti;
        }
      }
    }
  }

  #reorder(re: Float64Array, im: Float64Array): void {
    const reversed = this.#reversed;
    for (let i = 0; i < reversed.length; i++) {
      const j = reversed[i];
      if (j <= i) continue;
      const r = re[i];
      re[i] = re[j];
      re[j] = r;
      const m = im[i];
      im[i] = im[j];
      im[j] = m;
    }
  }
}
