import type { GraphNode, Value } from '../graph/graph.js';

/** x, available only when `after` have run. Gives a value a name, and effects an output to ask for. */
export function identity(x: Value, name: string, after: readonly GraphNode[] = []): Value {
  return x.graph.value(
    'Identity',
    { dtype: x.dtype, shape: x.shape },
    { name, inputs: [x], after, attrs: { T: { type: x.dtype } }, gradient: ([dy]) => [dy] },
  );
}
