/**
 * Complex discrete Fourier transforms of one power-of-two length, in place: decimation in time, one radix-2 pass if
 * log2 of the length is odd, then radix-4 passes. Double precision; the constructor fills the tables.
 * Source: Brigham, The Fast Fourier Transform.
 */
export class Fft {
  /** The position at which `transformReversed` expects each element of a signal */
  readonly reversed: Uint32Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;

  /** @param size a power of two, at least 2 */
  constructor(readonly size: number) {
    const bits = Math.log2(size);
    if (!Number.isInteger(bits) || bits < 1) throw new RangeError(`unsupported transform size ${size}`);
    this.reversed = new Uint32Array(size);
    for (let i = 1; i < size; i++) this.reversed[i] = (this.reversed[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
    this.#cos = Float64Array.from({ length: size }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: size }, (_, k) => Math.sin((2 * Math.PI * k) / size));
  }

  /**
   * Replaces a signal with its transform. Swapping `re` and `im` gives the inverse, times `size`.
   * @param re real parts, `size` long
   * @param im imaginary parts, of the same length
   */
  transform(re: Float64Array, im: Float64Array): void {
    const { reversed } = this;
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
    this.transformReversed(re, im);
  }

  /** Like `transform`, but for a signal stored in the order of `reversed`. */
  transformReversed(re: Float64Array, im: Float64Array): void {
    const { size } = this;
    const cos = this.#cos;
    const sin = this.#sin;
    let span = 1;
    if (Math.log2(size) % 2 === 1) {
      for (let i = 0; i < size; i += 2) {
        const r = re[i + 1];
        const m = im[i + 1];
        re[i + 1] = re[i] - r;
        im[i + 1] = im[i] - m;
        re[i] += r;
        im[i] += m;
      }
      span = 2;
    }
    for (; span < size; span *= 4) {
      const stride = size / (4 * span);
      for (let offset = 0; offset < span; offset++) {
        const c1 = cos[offset * stride];
        const s1 = sin[offset * stride];
        const c2 = cos[2 * offset * stride];
        const s2 = sin[2 * offset * stride];
        const c3 = cos[3 * offset * stride];
        const s3 = sin[3 * offset * stride];
        for (let i0 = offset; i0 < size; i0 += 4 * span) {
          // Because of the bit-reversed order, the second quarter contains the even-odd samples and is multiplied by
          // the squared twiddle factor.
          const i1 = i0 + span;
          const i2 = i1 + span;
          const i3 = i2 + span;
          const r1 = re[i2] * c1 + im[i2] * s1;
          const m1 = im[i2] * c1 - re[i2] * s1;
          const r2 = re[i1] * c2 + im[i1] * s2;
          const m2 = im[i1] * c2 - re[i1] * s2;
          const r3 = re[i3] * c3 + im[i3] * s3;
          const m3 = im[i3] * c3 - re[i3] * s3;
          const sumRe = re[i0] + r2;
          const sumIm = im[i0] + m2;
          const differenceRe = re[i0] - r2;
          const differenceIm = im[i0] - m2;
          const oddRe = r1 + r3;
          const oddIm = m1 + m3;
          const turnedRe = m1 - m3;
          const turnedIm = r3 - r1;
          re[i0] = sumRe + oddRe;
          im[i0] = sumIm + oddIm;
          re[i1] = differenceRe + turnedRe;
          im[i1] = differenceIm + turnedIm;
          re[i2] = sumRe - oddRe;
          im[i2] = sumIm - oddIm;
          re[i3] = differenceRe - turnedRe;
          im[i3] = differenceIm - turnedIm;
        }
      }
    }
  }
}
