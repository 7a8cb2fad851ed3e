import type { Value } from '../graph/graph.js';

/**
 * x * scale, one factor for each channel of each image.
 * @param x [batch, height, width, channels]
 * @param scale [batch, 1, 1, channels]
 */
export function scaleChannels(x: Value, scale: Value): Value {
  const { graph, dtype } = x;
  const times = (a: Value, b: Value) =>
    graph.value('Mul', { dtype, shape: x.shape }, { inputs: [a, b], attrs: { T: { type: dtype } } });
  return graph.value(
    'Mul',
    { dtype, shape: x.shape },
    {
      inputs: [x, scale],
      attrs: { T: { type: dtype } },
      gradient: ([dy]) => {
        if (!dy) return [];
        const sums = graph.value(
          'Sum',
          { dtype, shape: scale.shape },
          {
            inputs: [times(dy, x), graph.constant([1, 2], 'int32')],
            attrs: { T: { type: dtype }, Tidx: { type: 'int32' }, keep_dims: { bool: true } },
          },
        );
        return [times(dy, scale), sums];
      },
    },
  );
}
