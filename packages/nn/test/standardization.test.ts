import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standardizationWeights } from '../src/standardization.js';
import { range } from './stripes.js';

/** Mean and variance of a single column, with all rows for training. */
function statistics(...values: number[]): [number, number] {
  const weights = standardizationWeights({ vectors: Float32Array.from(values), columns: 1 }, range(0, values.length));
  const of = (name: string) => weights.get(`standardization/moving_${name}`)?.data[0] ?? Number.NaN;
  return [of('mean'), of('variance')];
}

test('columns are standardised by their mean and variance, even if numbers are very small or large', () => {
  assert.deepEqual(statistics(1, 3), [2, 1]);
  for (const scale of [2 ** -62, 2 ** 63]) assert.deepEqual(statistics(-scale, scale), [0, scale ** 2]);
});

test('a column with tiny variance counts as constant', () => {
  assert.deepEqual(statistics(5, 5, 5), [5, 1]);
  // Variances of 1e-46, which is 0 in float32, and 1e-40, which TensorFlow treats as 0.
  for (const tiny of [1e-23, 1e-20]) assert.equal(statistics(-tiny, tiny)[1], 1);
});

test('a column whose variance exceeds float32 is rejected', () => {
  const vectors = Float32Array.of(0, -3e19, 1, 3e19);
  assert.throws(() => standardizationWeights({ vectors, columns: 2 }, range(0, 2)), {
    code: 'FEATURES_INVALID',
    message: 'column 2 of the vectors has a standard deviation of 3.0e+19',
  });
});
