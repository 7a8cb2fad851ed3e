import type { GraphNode, Value } from '../graph/graph.js';

/**
 * x, which becomes available only after `after` has run. Also names a value, or gives effects an output that can be
 * requested.
 */
export function identity(x: Value, name: string, after: readonly GraphNode[] = []): Value {
  return x.graph.value(
    'Identity',
    { dtype: x.dtype, shape: x.shape },
    { name, inputs: [x], after, attrs: { T: { type: x.dtype } }, gradient: ([dy]) => [dy] },
  );
}
