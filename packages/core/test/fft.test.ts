import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fft, Random } from '../src/index.js';

/** Computes the transform directly from its definition. */
function transform(re: Float64Array, im: Float64Array): [Float64Array, Float64Array] {
  const size = re.length;
  const sum = (part: (n: number, angle: number) => number) =>
    Float64Array.from({ length: size }, (_, k) =>
      re.reduce((total, _value, n) => total + part(n, (2 * Math.PI * ((k * n) % size)) / size), 0),
    );
  return [
    sum((n, angle) => re[n] * Math.cos(angle) + im[n] * Math.sin(angle)),
    sum((n, angle) => im[n] * Math.cos(angle) - re[n] * Math.sin(angle)),
  ];
}

test('the FFT matches its definition for powers of two, and swapping real and imaginary parts inverts it', () => {
  const random = new Random(1);
  for (let size = 2; size <= 1024; size *= 2) {
    const [re, im] = [0, 1].map(() => Float64Array.from({ length: size }, () => random.normal()));
    const [ownRe, ownIm] = [re.slice(), im.slice()];
    const fft = new Fft(size);
    fft.transform(ownRe, ownIm);
    const [expectedRe, expectedIm] = transform(re, im);
    for (let k = 0; k < size; k++) {
      assert.ok(Math.hypot(ownRe[k] - expectedRe[k], ownIm[k] - expectedIm[k]) < 1e-10, `${size}, ${k}`);
    }
    fft.transform(ownIm, ownRe);
    for (let n = 0; n < size; n++) {
      assert.ok(Math.hypot(ownRe[n] / size - re[n], ownIm[n] / size - im[n]) < 1e-12, `${size}, ${n}`);
    }
  }
});

test('the FFT refuses unsupported lengths', () => {
  for (const size of [0, 1, 3, 12]) {
    assert.throws(() => new Fft(size), new RangeError(`unsupported transform size ${size}`));
  }
});
