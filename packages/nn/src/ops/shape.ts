import type { Value } from '../graph/graph.js';

/** The shape of x at run time: int32 [rank]. */
export function shapeOf(x: Value): Value {
  return x.graph.value(
    'Shape',
    { dtype: 'int32', shape: [x.shape.length] },
    { inputs: [x], attrs: { T: { type: x.dtype }, out_type: { type: 'int32' } } },
  );
}

/** The number of elements of x at run time: an int32 scalar. */
export function sizeOf(x: Value): Value {
  return x.graph.value(
    'Size',
    { dtype: 'int32', shape: [] },
    { inputs: [x], attrs: { T: { type: x.dtype }, out_type: { type: 'int32' } } },
  );
}
