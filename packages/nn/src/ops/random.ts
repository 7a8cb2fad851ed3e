import type { Value } from '../graph/graph.js';
import { shapeOf } from './shape.js';

/**
 * Random numbers in [0, 1) with the shape of `like`. The same seed, int32 [2], produces the same numbers. Without
 * gradient.
 */
export function standardUniform(like: Value, seed: Value): Value {
  return like.graph.value(
    'StatelessRandomUniform',
    { dtype: 'float32', shape: like.shape },
    {
      inputs: [shapeOf(like), seed],
      attrs: { dtype: { type: 'float32' }, T: { type: 'int32' }, Tseed: { type: 'int32' } },
    },
  );
}
