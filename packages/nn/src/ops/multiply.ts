import type { Value } from '../graph/graph.js';

/** a * b, where b has the shape of a or is a scalar (a scalar b gets no gradient). */
export function multiply(a: Value, b: Value): Value {
  const scalar = b.shape.length === 0;
  return a.graph.value(
    'Mul',
    { dtype: a.dtype, shape: a.shape },
    {
      inputs: [a, b],
      attrs: { T: { type: a.dtype } },
      gradient: ([dy]) => (dy ? [multiply(dy, b), scalar ? undefined : multiply(dy, a)] : []),
    },
  );
}
