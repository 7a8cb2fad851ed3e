import type { SvmParameters } from '@cryfold/core';
import type { DistanceMatrix, PixelMoments } from './distances.js';

/**
 * Kernels see pixels as value / 255, in [0, 1], as the networks do: distances of grey levels are divided by this.
 * It changes nothing for gamma 'scale'.
 */
export const GREY_SQUARED = 255 ** 2;

/**
 * The RBF kernel's gamma, for pixels in [0, 1].
 * 'scale' is 1 / (columns * variance of all training pixels), or 1 where they are all equal, as in scikit-learn.
 * @param train the fold's training rows
 */
export function resolveGamma(
  gamma: SvmParameters['gamma'],
  moments: PixelMoments,
  columns: number,
  train: Int32Array,
): number {
  if (gamma !== 'scale') return gamma;
  let [sum, squares] = [0, 0];
  for (const row of train) {
    sum += moments.sum[row];
    squares += moments.sumSquares[row];
  }
  const count = train.length * columns;
  const variance = (squares - sum * (sum / count)) / count;
  return variance > 0 ? GREY_SQUARED / (columns * variance) : 1;
}

/** exp(-gamma * squared distance) of rows x others, rows.length x others.length. */
export function rbfKernel(
  distances: DistanceMatrix,
  gamma: number,
  rows: Int32Array,
  others: Int32Array,
): Float64Array {
  const out = new Float64Array(rows.length * others.length);
  const scale = -gamma / GREY_SQUARED;
  const { data } = distances;
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * distances.rows;
    const to = i * others.length;
    // A symmetric matrix needs half the exponentials.
    const start = rows === others ? i : 0;
    for (let j = start; j < others.length; j++) out[to + j] = Math.exp(scale * data[from + others[j]]);
    for (let j = 0; j < start; j++) out[to + j] = out[j * others.length + i];
  }
  return out;
}

/** The square submatrix of some rows and the same columns of an n x n matrix. */
export function submatrix(matrix: Float64Array, n: number, keep: Int32Array): Float64Array {
  const out = new Float64Array(keep.length * keep.length);
  for (let i = 0; i < keep.length; i++) {
    const from = keep[i] * n;
    const to = i * keep.length;
    for (let j = 0; j < keep.length; j++) out[to + j] = matrix[from + keep[j]];
  }
  return out;
}
