import type { GraphNode, Value } from '../graph/graph.js';

/**
 * Returns x, which becomes available only after `after` has run. Also used to name a value, or to create an output that
 * callers can fetch to make effects run.
 */
export function identity(x: Value, name: string, after: readonly GraphNode[] = []): Value {
  return x.graph.value(
    'Identity',
    { dtype: x.dtype, shape: x.shape },
    { name, inputs: [x], after, attrs: { T: { type: x.dtype } }, gradient: ([dy]) => [dy] },
  );
}
