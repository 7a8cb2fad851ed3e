import { CryfoldError, Random } from '@cryfold/core';
import SVM from 'ml-svm';
import type { BinaryProblem, BinarySolution } from './smo.js';
import type { ImageSvmModel } from './svm-model.js';

/**
 * Solves the same problem with ml-svm 2.1.2, which implements simplified SMO with a random second choice. ml-svm takes
 * minutes where solveBinary takes milliseconds, and serves as a cross-check. docs/decisions/0005-ml-svm.md lists its
 * limits.
 * @throws CryfoldError SVM_NOT_CONVERGED if the library gives up ('max iterations reached', 10,000 passes) or if alpha
 * exceeds its bounds; SPEC_INVALID for class weights, since the library has one C for all rows
 */
export function solveWithMlSvm({ space, signs, upper }: BinaryProblem, seed: number): BinarySolution {
  const { kernel, stride } = space;
  const rows = Array.from(signs.keys()).filter((t) => signs[t] !== 0);
  const C = upper[rows[0]];
  if (rows.some((t) => upper[t] !== C)) {
    throw new CryfoldError('SPEC_INVALID', 'ml-svm does not support class weights', {
      context: { key: 'classWeight' },
      hint: "Set classWeight to none, or engine to 'cryfold'.",
    });
  }
  const random = new Random(seed);
  const svm = new SVM({
    C,
    tol: 1e-4,
    kernel: { compute: ([i], [j]) => kernel[i * stride + j] },
    random: () => random.uniform(),
    whitening: false,
  });
  try {
    svm.train(
      rows.map((t) => [t]),
      rows.map((t) => signs[t]),
    );
  } catch (error) {
    throw new CryfoldError('SVM_NOT_CONVERGED', `ml-svm: ${(error as Error).message}`, {
      context: { rows: rows.length, C },
      hint: "Use engine 'cryfold'.",
      cause: error,
    });
  }
  const alpha = new Float64Array(signs.length);
  const support = svm.supportVectors().map((index) => rows[index]);
  support.forEach((t, k) => {
    alpha[t] = svm.alphas[k];
  });
  const outside = alpha.find((value) => !(value <= C * (1 + 1e-9)));
  if (outside !== undefined) {
    throw new CryfoldError('SVM_NOT_CONVERGED', `ml-svm: alpha ${outside} exceeds C ${C}`, {
      context: { rows: rows.length, C },
      hint: "Use engine 'cryfold', or a C of at least 1.",
    });
  }
  let objective = 0;
  for (const i of support) {
    let q = 0;
    for (const j of support) q += alpha[j] * signs[j] * kernel[i * stride + j];
    objective += alpha[i] * (0.5 * signs[i] * q - 1);
  }
  return { alpha, bias: svm.b, iterations: svm.iterations, objective };
}

/** Input of ml-svm's `SVM.load`. */
export interface MlSvmModel {
  options: { C: number; whitening: false; kernel: 'rbf'; kernelOptions: { sigma: number } };
  b: number;
  /** Support vectors, one row of grey levels 0-255 each */
  X: Uint8Array[];
  /** +1 or -1 */
  Y: number[];
  alphas: number[];
}

/**
 * Converts one machine of an rbf model to the form that ml-svm's `SVM.load` expects. For an image in grey levels 0-255,
 * the loaded model's `marginOne(image)` returns cryfold's decision value. Both compute exact distances between grey
 * levels, so they only differ in the order of summation. The rows of X are views of the model's bytes; convert them to
 * plain arrays before you write JSON.
 * @throws CryfoldError SPEC_INVALID for other kernels, whose parameters ml-svm defines differently
 */
export function toMlSvm({ kernel, C, weights, biases, support, columns }: ImageSvmModel, machine: number): MlSvmModel {
  if (kernel.kind !== 'rbf') {
    throw new CryfoldError(
      'SPEC_INVALID',
      `a model with kernel ${kernel.kind} cannot be converted to an ml-svm model`,
      {
        context: { key: 'kernel' },
        hint: 'Use kernel rbf.',
      },
    );
  }
  const own = weights[machine];
  const vectors = Array.from(own.keys()).filter((t) => own[t] !== 0);
  return {
    options: { C, whitening: false, kernel: 'rbf', kernelOptions: { sigma: 255 * Math.sqrt(1 / (2 * kernel.gamma)) } },
    b: biases[machine],
    X: vectors.map((t) => support.subarray(t * columns, (t + 1) * columns)),
    Y: vectors.map((t) => Math.sign(own[t])),
    alphas: vectors.map((t) => Math.abs(own[t])),
  };
}
