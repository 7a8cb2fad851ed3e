/**
 * The paper's fusion: element-wise mean of probability matrices of equal length (row-major, clips x classes).
 * Sums run in the order given, as `numpy.mean(matrices, axis=0)`, so two members give numpy's very bits.
 */
export function fuseMean(matrices: readonly Float64Array[]): Float64Array {
  const fused = new Float64Array(matrices[0].length);
  for (const matrix of matrices) for (let i = 0; i < fused.length; i++) fused[i] += matrix[i];
  return fused.map((total) => total / matrices.length);
}
