/** A stretch of a signal, weighted by a window. */
export interface Frame {
  /** First sample of the stretch */
  start: number;
  /** One weight per sample */
  window: Float64Array;
}

/**
 * Power spectrum of real frames of one power-of-two length, at chosen bins. A frame of N real samples is
 * transformed as N/2 complex ones (even samples real, odd samples imaginary) by radix-4 decimation in time, and only
 * the bins asked for are untangled. Double precision; tables are filled once by the constructor.
 * Formulas: Press et al., Numerical Recipes, 3rd ed., section 12.3.2 (real FFT); Brigham, The Fast Fourier Transform.
 */
export class PowerSpectrum {
  readonly #half: number;
  readonly #reversed: Uint16Array;
  /** cos and sin of 2 pi k / size, for k < size */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /** @param size samples per frame: a power of two from 8 to 65536 */
  constructor(readonly size: number) {
    const half = size / 2;
    const bits = Math.log2(half);
    if (!Number.isInteger(bits) || half < 4 || half > 32768) throw new RangeError(`unsupported frame size ${size}`);
    this.#half = half;
    this.#reversed = Uint16Array.from({ length: half }, (_, i) => {
      let reversed = 0;
      for (let bit = 0; bit < bits; bit++) reversed |= ((i >> bit) & 1) << (bits - 1 - bit);
      return reversed;
    });
    this.#cos = Float64Array.from({ length: size }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: size }, (_, k) => Math.sin((2 * Math.PI * k) / size));
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
  }

  /**
   * Adds |X[bin]|^2 of a frame of `size` samples to `power`, one element per bin.
   * @param samples at least `frame.start + size` long
   * @param bins from 0 to size/2
   * @param power accumulator, as long as `bins`
   */
  add(samples: Float64Array, { start, window }: Frame, bins: Uint16Array, power: Float64Array): void {
    const half = this.#half;
    const re = this.#re;
    const im = this.#im;
    const reversed = this.#reversed;
    for (let i = 0, j = 0; i < half; i++, j += 2) {
      const to = reversed[i];
      re[to] = samples[start + j] * window[j];
      im[to] = samples[start + j + 1] * window[j + 1];
    }
    this.#transform();
    const size = this.size;
    for (let i = 0; i < bins.length; i++) {
      const k = bins[i];
      const a = k === half ? 0 : k;
      const b = a === 0 ? 0 : half - a;
      const evenRe = re[a] + re[b];
      const evenIm = im[a] - im[b];
      const oddRe = im[a] + im[b];
      const oddIm = re[b] - re[a];
      const c = this.#cos[k % size];
      const s = this.#sin[k % size];
      const xRe = 0.5 * (evenRe + c * oddRe + s * oddIm);
      const xIm = 0.5 * (evenIm + c * oddIm - s * oddRe);
      power[i] += xRe * xRe + xIm * xIm;
    }
  }

  /** In-place complex transform of the bit-reversed input: one radix-2 pass if log2 is odd, then radix-4 passes. */
  #transform(): void {
    const half = this.#half;
    const re = this.#re;
    const im = this.#im;
    const cos = this.#cos;
    const sin = this.#sin;
    let span = 1;
    if (Math.log2(half) % 2 === 1) {
      for (let i = 0; i < half; i += 2) {
        const r = re[i + 1];
        const m = im[i + 1];
        re[i + 1] = re[i] - r;
        im[i + 1] = im[i] - m;
        re[i] += r;
        im[i] += m;
      }
      span = 2;
    }
    for (; span < half; span *= 4) {
      const stride = this.size / (4 * span);
      for (let offset = 0; offset < span; offset++) {
        const c1 = cos[offset * stride];
        const s1 = sin[offset * stride];
        const c2 = cos[2 * offset * stride];
        const s2 = sin[2 * offset * stride];
        const c3 = cos[3 * offset * stride];
        const s3 = sin[3 * offset * stride];
        for (let i0 = offset; i0 < half; i0 += 4 * span) {
          // In bit-reversed order the second quarter holds the even-odd samples, so it takes the squared twiddle.
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
