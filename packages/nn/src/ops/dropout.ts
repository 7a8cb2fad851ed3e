import type { Value } from '../graph/graph.js';
import { cast } from './cast.js';
import { multiply } from './multiply.js';
import { shapeOf } from './shape.js';

/**
 * Zeros a share of x and scales the rest by 1 / (1 - rate); the same seed drops the same elements.
 * @param rate 0 < rate < 1
 * @param seed int32 [2]
 */
export function dropout(x: Value, rate: number, seed: Value): Value {
  const { graph, shape } = x;
  const uniform = graph.value(
    'StatelessRandomUniform',
    { dtype: 'float32', shape },
    {
      inputs: [shapeOf(x), seed],
      attrs: { dtype: { type: 'float32' }, T: { type: 'int32' }, Tseed: { type: 'int32' } },
    },
  );
  const kept = graph.value(
    'GreaterEqual',
    { dtype: 'bool', shape },
    { inputs: [uniform, graph.constant(rate)], attrs: { T: { type: 'float32' } } },
  );
  return multiply(multiply(x, cast(kept, x.dtype)), cast(graph.constant(1 / (1 - rate)), x.dtype));
}

/** int32 [2] from two int32 scalars. */
export function pack(first: Value, second: Value): Value {
  return first.graph.value(
    'Pack',
    { dtype: first.dtype, shape: [2] },
    { inputs: [first, second], attrs: { T: { type: first.dtype }, N: { int: 2 }, axis: { int: 0 } } },
  );
}
