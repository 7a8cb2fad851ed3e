import { CryfoldError } from '@cryfold/core';
import { type DistanceMatrix, mirror, type PixelMoments } from './distances.js';
import type { SvmParameters } from './parameters.js';
import type { SolverSpace } from './solver-space.js';

/**
 * Like networks, kernels scale pixels to [0, 1] as value / 255, so squared distances between grey levels are divided by
 * this constant. With rbf and gamma 'scale', this division makes no difference.
 */
export const GREY_SQUARED = 255 ** 2;

/**
 * A kernel with a numeric gamma. rbf: exp(-gamma d^2); poly: (gamma xy + coef0)^degree; sigmoid: tanh(gamma xy +
 * coef0).
 */
export interface Kernel {
  kind: SvmParameters['kernel'];
  gamma: number;
  degree: number;
  coef0: number;
}

/** Input of kernels. */
export interface KernelData {
  distances: DistanceMatrix;
  moments: PixelMoments;
  /** Columns of the images */
  columns: number;
}

/**
 * Resolves gamma for pixels in [0, 1]: 'scale' is 1 / (columns * variance of all training pixels), or 1 if they are all
 * equal; 'auto' is 1 / columns. Both as in scikit-learn.
 * @param train the training rows of the fold
 */
export function settleKernel(
  { kernel, gamma, degree, coef0 }: Pick<SvmParameters, 'kernel' | 'gamma' | 'degree' | 'coef0'>,
  { moments, columns }: KernelData,
  train: Int32Array,
): Kernel {
  if (gamma === 'auto') return { kind: kernel, gamma: 1 / columns, degree, coef0 };
  if (gamma !== 'scale') return { kind: kernel, gamma, degree, coef0 };
  let [sum, squares] = [0, 0];
  for (const row of train) {
    sum += moments.sum[row];
    squares += moments.sumSquares[row];
  }
  const count = train.length * columns;
  const variance = (squares - sum * (sum / count)) / count;
  return { kind: kernel, gamma: variance > 0 ? GREY_SQUARED / (columns * variance) : 1, degree, coef0 };
}

/**
 * Returns a function that computes the kernel of two rows from their squared distance and their norms, all in grey
 * levels squared.
 */
export function kernelFunction({ kind, gamma, degree, coef0 }: Kernel): (d: number, a: number, b: number) => number {
  const scale = gamma / GREY_SQUARED;
  switch (kind) {
    case 'rbf':
      return (d) => Math.exp(-scale * d);
    case 'linear':
      return (d, a, b) => (a + b - d) / (2 * GREY_SQUARED);
    case 'poly':
      return (d, a, b) => (scale * ((a + b - d) / 2) + coef0) ** degree;
    case 'sigmoid':
      return (d, a, b) => Math.tanh(scale * ((a + b - d) / 2) + coef0);
  }
}

/** A matrix of kernel values to fill: one row per row of the corpus in `rows`, one column per row in `others`. */
interface KernelBlock {
  /** At least rows x stride elements, C order */
  out: Float64Array;
  /** Number of elements from the start of one row of `out` to the next; at least the number of `others` */
  stride: number;
  rows: Int32Array;
  others: Int32Array;
  /** Whether to fill only the lower triangle, including the diagonal, which requires that `rows` equal `others`. */
  half: boolean;
}

/** @throws CryfoldError SVM_NOT_FINITE */
function fill(block: KernelBlock, { distances, moments }: KernelData, kernel: Kernel): void {
  const { out, stride, rows, others, half } = block;
  const value = kernelFunction(kernel);
  const { data } = distances;
  const norms = moments.sumSquares;
  // x - x is 0 for every finite x and NaN otherwise, so one sum over the matrix is enough.
  let check = 0;
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * distances.rows;
    const norm = norms[rows[i]];
    const end = half ? i + 1 : others.length;
    for (let j = 0; j < end; j++) {
      const k = value(data[from + others[j]], norm, norms[others[j]]);
      check += k - k;
      out[i * stride + j] = k;
    }
  }
  if (check === 0) return;
  throw new CryfoldError('SVM_NOT_FINITE', `the ${kernel.kind} kernel has values that are not finite`, {
    context: { kernel: kernel.kind, gamma: kernel.gamma, degree: kernel.degree, coef0: kernel.coef0 },
    hint: 'Check gamma, degree and coef0. If they are correct, delete the distances artifact and run the command again.',
  });
}

/**
 * Writes the kernel matrix of all training rows to the solver's memory.
 * @throws CryfoldError SVM_NOT_FINITE
 */
export function fillSpace(space: SolverSpace, data: KernelData, kernel: Kernel, rows: Int32Array): void {
  const { stride } = space;
  fill({ out: space.kernel, stride, rows, others: rows, half: true }, data, kernel);
  mirror(space.kernel, rows.length, stride);
  for (let i = 0; i < rows.length; i++) space.kernel.fill(0, i * stride + rows.length, (i + 1) * stride);
}

/**
 * Computes the kernel between other rows and the training rows, rows x train.
 * @throws CryfoldError SVM_NOT_FINITE
 */
export function crossKernel(data: KernelData, kernel: Kernel, rows: Int32Array, train: Int32Array): Float64Array {
  const out = new Float64Array(rows.length * train.length);
  fill({ out, stride: train.length, rows, others: train, half: false }, data, kernel);
  return out;
}
