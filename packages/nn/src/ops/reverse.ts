import type { Value } from '../graph/graph.js';

/** x with its last axis reversed, such as RGB to BGR. Without gradient. */
export function reverseLast(x: Value): Value {
  return x.graph.value(
    'ReverseV2',
    { dtype: x.dtype, shape: x.shape },
    {
      inputs: [x, x.graph.constant([x.shape.length - 1], 'int32')],
      attrs: { T: { type: x.dtype }, Tidx: { type: 'int32' } },
    },
  );
}
