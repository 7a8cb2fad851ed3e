import { STANDARDIZATION } from './layers/standardization.js';
import type { WeightMap } from './network.js';

/** Vectors of all clips, row-major. */
export interface Vectors {
  vectors: Float32Array;
  columns: number;
}

/**
 * What the layer `standardization` needs: mean and variance of each column over the training rows. A column whose values
 * are all equal has variance 1, as in scikit-learn's StandardScaler.
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
  // What rounding leaves of equal values is no variance.
  const fixed = variance.map((value, j) => (value > (10 * Number.EPSILON * mean[j]) ** 2 ? value : 1));
  const shape = [columns];
  return new Map([
    [`${STANDARDIZATION}/moving_mean`, { shape, data: Float32Array.from(mean) }],
    [`${STANDARDIZATION}/moving_variance`, { shape, data: Float32Array.from(fixed) }],
  ]);
}
