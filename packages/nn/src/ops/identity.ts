import type { GraphNode, Value } from '../graph/graph.js';

/** x, available only after `after` has run. Gives a value a name, and effects an output to request. */
export function identity(x: Value, name: string, after: readonly GraphNode[] = []): Value {
  return x.graph.value(
    'Identity',
    { dtype: x.dtype, shape: x.shape },
    { name, inputs: [x], after, attrs: { T: { type: x.dtype } }, gradient: ([dy]) => [dy] },
  );
}
