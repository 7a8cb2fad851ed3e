import type { Value } from '../graph/graph.js';

/** a + b, where b has the shape of a or is a scalar (a scalar b gets no gradient). */
export function add(a: Value, b: Value): Value {
  return a.graph.value(
    'AddV2',
    { dtype: a.dtype, shape: a.shape },
    {
      inputs: [a, b],
      attrs: { T: { type: a.dtype } },
      gradient: ([dy]) => [dy, b.shape.length === 0 ? undefined : dy],
    },
  );
}
