import { CryfoldError, Random } from '@cryfold/core';
import SVM from 'ml-svm';
import type { BinaryProblem, BinarySolution } from './smo.js';

/**
 * The same problem solved by ml-svm 2.1.2: simplified SMO, whose second choice is random. One C for all rows.
 * Minutes where solveBinary takes milliseconds; it is the cross-check.
 * @throws CryfoldError SVM_NOT_CONVERGED where the library gives up ('max iterations reached', 10,000 passes)
 */
export function solveWithMlSvm({ kernel, signs, upper }: BinaryProblem, seed: number): BinarySolution {
  const n = signs.length;
  const random = new Random(seed);
  const svm = new SVM({
    C: upper[0],
    tol: 1e-4,
    kernel: { compute: ([i], [j]) => kernel[i * n + j] },
    random: () => random.uniform(),
    whitening: false,
  });
  try {
    svm.train(
      Array.from({ length: n }, (_, row) => [row]),
      Array.from(signs),
    );
  } catch (error) {
    throw new CryfoldError('SVM_NOT_CONVERGED', `ml-svm: ${(error as Error).message}`, {
      context: { rows: n, C: upper[0] },
      hint: "Use engine 'cryfold'.",
      cause: error,
    });
  }
  const alpha = new Float64Array(n);
  const rows = svm.supportVectors();
  rows.forEach((row, k) => {
    alpha[row] = svm.alphas[k];
  });
  let objective = 0;
  for (const i of rows) {
    let q = 0;
    for (const j of rows) q += alpha[j] * signs[j] * kernel[i * n + j];
    objective += alpha[i] * (0.5 * signs[i] * q - 1);
  }
  return { alpha, bias: svm.b, iterations: svm.iterations, objective };
}
