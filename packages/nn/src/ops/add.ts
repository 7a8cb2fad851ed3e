import type { Value } from '../graph/graph.js';

/** a + b of equal shape. */
export function add(a: Value, b: Value): Value {
  return a.graph.value(
    'AddV2',
    { dtype: a.dtype, shape: a.shape },
    { inputs: [a, b], attrs: { T: { type: a.dtype } }, gradient: ([dy]) => [dy, dy] },
  );
}
