import type { Value } from '../graph/graph.js';

/** a x b of two matrices, each optionally transposed first. */
export function matMul(a: Value, b: Value, transposeA = false, transposeB = false): Value {
  const inner = [a.shape[transposeA ? 0 : 1], b.shape[transposeB ? 1 : 0]];
  if (inner[0] !== inner[1]) throw new Error(`matMul: [${a.shape}] and [${b.shape}] do not match`);
  return a.graph.value(
    'MatMul',
    { dtype: a.dtype, shape: [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]] },
    {
      inputs: [a, b],
      attrs: { T: { type: a.dtype }, transpose_a: { bool: transposeA }, transpose_b: { bool: transposeB } },
      gradient: ([dy]) => {
        if (!dy) return [];
        return [
          transposeA ? matMul(b, dy, transposeB, true) : matMul(dy, b, false, !transposeB),
          transposeB ? matMul(dy, a, true, transposeA) : matMul(a, dy, !transposeA, false),
        ];
      },
    },
  );
}
