import type { Shape, Value } from '../graph/graph.js';
import { cast } from './cast.js';
import { multiply } from './multiply.js';
import { standardUniform } from './random.js';

/**
 * Sets a share of x to zero and scales the rest by 1 / (1 - rate). With the same seed, the same elements are dropped.
 * @param rate 0 < rate < 1
 * @param seed int32 [2]
 */
export function dropout(x: Value, rate: number, seed: Value): Value {
  return multiply(multiply(x, kept(x, rate, seed)), cast(x.graph.constant(1 / (1 - rate)), x.dtype));
}

/** Like `dropout`, but drops whole images [batch, height, width, channels]: stochastic depth, Huang et al. (2016). */
export function dropImages(x: Value, rate: number, seed: Value): Value {
  const { graph, dtype, shape } = x;
  const one: Shape = [shape[0], 1, 1, 1];
  const first = graph.value(
    'Slice',
    { dtype, shape: one },
    {
      inputs: [x, graph.constant([0, 0, 0, 0], 'int32'), graph.constant([-1, 1, 1, 1], 'int32')],
      attrs: { T: { type: dtype }, Index: { type: 'int32' } },
    },
  );
  const factors = multiply(kept(first, rate, seed), cast(graph.constant(1 / (1 - rate)), dtype));
  const scaled = (value: Value): Value =>
    graph.value(
      'Mul',
      { dtype, shape },
      { inputs: [value, factors], attrs: { T: { type: dtype } }, gradient: ([dy]) => [dy && scaled(dy)] },
    );
  return scaled(x);
}

/** 1 for a share 1 - rate of the elements of x, otherwise 0; without gradient. */
function kept(x: Value, rate: number, seed: Value): Value {
  const { graph, shape } = x;
  const uniform = standardUniform(x, seed);
  const chosen = graph.value(
    'GreaterEqual',
    { dtype: 'bool', shape },
    { inputs: [uniform, graph.constant(rate)], attrs: { T: { type: 'float32' } } },
  );
  return cast(chosen, x.dtype);
}

/** int32 [2] from two int32 scalars. */
export function pack(first: Value, second: Value): Value {
  return first.graph.value(
    'Pack',
    { dtype: first.dtype, shape: [2] },
    { inputs: [first, second], attrs: { T: { type: first.dtype }, N: { int: 2 }, axis: { int: 0 } } },
  );
}
