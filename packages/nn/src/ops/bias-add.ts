import type { Value } from '../graph/graph.js';

/** x + bias along the last axis: x [..., channels], bias [channels]. */
export function biasAdd(x: Value, bias: Value): Value {
  const attrs = { T: { type: x.dtype }, data_format: { string: 'NHWC' } };
  return x.graph.value(
    'BiasAdd',
    { dtype: x.dtype, shape: x.shape },
    {
      inputs: [x, bias],
      attrs,
      gradient: ([dy]) => [
        dy,
        dy && x.graph.value('BiasAddGrad', { dtype: x.dtype, shape: bias.shape }, { inputs: [dy], attrs }),
      ],
    },
  );
}
