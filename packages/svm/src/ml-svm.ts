import { CryfoldError, Random } from '@cryfold/core';
import SVM from 'ml-svm';
import type { BinaryProblem, BinarySolution } from './smo.js';

/**
 * The same problem solved by ml-svm 2.1.2: simplified SMO, whose second choice is random. It takes minutes where
 * solveBinary takes milliseconds; it is the cross-check. docs/decisions/0005-ml-svm.md lists its limits.
 * @throws CryfoldError SVM_NOT_CONVERGED where the library gives up ('max iterations reached', 10,000 passes),
 * SPEC_INVALID for class weights, since it has one C for all rows
 */
export function solveWithMlSvm({ space, signs, upper }: BinaryProblem, seed: number): BinarySolution {
  const { kernel, stride } = space;
  const rows = Array.from(signs.keys()).filter((t) => signs[t] !== 0);
  const C = upper[rows[0]];
  if (rows.some((t) => upper[t] !== C)) {
    throw new CryfoldError('SPEC_INVALID', 'ml-svm has no class weights', {
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
  let objective = 0;
  for (const i of support) {
    let q = 0;
    for (const j of support) q += alpha[j] * signs[j] * kernel[i * stride + j];
    objective += alpha[i] * (0.5 * signs[i] * q - 1);
  }
  return { alpha, bias: svm.b, iterations: svm.iterations, objective };
}
