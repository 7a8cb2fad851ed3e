import type { Shape, Value } from '../graph/graph.js';

/** x in another shape with the same number of elements. At most one dimension may be unknown. */
export function reshape(x: Value, shape: Shape): Value {
  const { graph, dtype } = x;
  const sizes = graph.constant(
    shape.map((size) => size ?? -1),
    'int32',
  );
  return graph.value(
    'Reshape',
    { dtype, shape },
    {
      inputs: [x, sizes],
      attrs: { T: { type: dtype }, Tshape: { type: 'int32' } },
      gradient: ([dy]) => [dy && reshape(dy, x.shape)],
    },
  );
}
