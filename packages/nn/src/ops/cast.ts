import type { DType, Value } from '../graph/graph.js';

/** x in another type; its gradient is converted back to x's type. */
export function cast(x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return x.graph.value(
    'Cast',
    { dtype, shape: x.shape },
    {
      inputs: [x],
      attrs: { SrcT: { type: x.dtype }, DstT: { type: dtype }, Truncate: { bool: false } },
      gradient: ([dy]) => [dy && cast(dy, x.dtype)],
    },
  );
}
