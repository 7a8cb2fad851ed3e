import { CryfoldError } from '@cryfold/core';
import { STANDARDIZATION } from './layers/standardization.js';
import type { WeightMap } from './network.js';

/** Vectors of all clips, row-major. */
export interface Vectors {
  vectors: Float32Array;
  columns: number;
}

/** The smallest float32 with full precision. TensorFlow flushes smaller values to 0. */
const SMALLEST_VARIANCE = 2 ** -126;

/**
 * Weights of the layer `standardization`: mean and variance of each column over the training rows. A constant column
 * gets variance 1, as in scikit-learn's StandardScaler, and so does a column whose variance is too small for float32 (a
 * standard deviation below 1.1e-19).
 * @throws CryfoldError FEATURES_INVALID for a column whose variance is too large for float32 (a standard deviation of
 * 1.8e19 or more)
 */
export function standardizationWeights({ vectors, columns }: Vectors, train: Int32Array): WeightMap {
  const mean = new Float64Array(columns);
  const variance = new Float64Array(columns);
  const each = (visit: (value: number, column: number) => void) => {
    for (const row of train) for (let j = 0; j < columns; j++) visit(vectors[row * columns + j], j);
  };
  each((value, j) => {
    mean[j] += value / train.length;
  });
  each((value, j) => {
    variance[j] += (value - mean[j]) ** 2 / train.length;
  });
  const fixed = Float32Array.from(variance, (value, j) => {
    if (Math.fround(value) === Number.POSITIVE_INFINITY) throw tooLarge(j, Math.sqrt(value));
    // If all values are equal, rounding errors must not count as variance.
    const constant = value <= (10 * Number.EPSILON * mean[j]) ** 2 || Math.fround(value) < SMALLEST_VARIANCE;
    return constant ? 1 : value;
  });
  const shape = [columns];
  return new Map([
    [`${STANDARDIZATION}/moving_mean`, { shape, data: Float32Array.from(mean) }],
    [`${STANDARDIZATION}/moving_variance`, { shape, data: fixed }],
  ]);
}

function tooLarge(column: number, deviation: number): CryfoldError {
  return new CryfoldError(
    'FEATURES_INVALID',
    `column ${column + 1} of the vectors has a standard deviation of ${deviation.toExponential(1)}`,
    {
      hint: 'Scale the column: networks compute in float32 and can only standardise columns whose standard deviation is below 1.8e19.',
    },
  );
}
