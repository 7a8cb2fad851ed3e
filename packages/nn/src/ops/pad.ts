import { knownSize, type Value } from '../graph/graph.js';

/** Pads the height and width of x [batch, height, width, channels] with zeros. */
export function padImage(x: Value, margin: number): Value {
  const { graph, dtype } = x;
  const [batch, , , channels] = x.shape;
  const [height, width] = [knownSize(x.shape, 1), knownSize(x.shape, 2)];
  const data = Int32Array.of(0, 0, margin, margin, margin, margin, 0, 0);
  const paddings = graph.value(
    'Const',
    { dtype: 'int32', shape: [4, 2] },
    { attrs: { dtype: { type: 'int32' }, value: { tensor: { dtype: 'int32', shape: [4, 2], data } } } },
  );
  return graph.value(
    'Pad',
    { dtype, shape: [batch, height + 2 * margin, width + 2 * margin, channels] },
    {
      inputs: [x, paddings],
      attrs: { T: { type: dtype }, Tpaddings: { type: 'int32' } },
      gradient: ([dy]) => {
        if (!dy) return [];
        const begin = graph.constant([0, margin, margin, 0], 'int32');
        const size = graph.constant([-1, height, width, -1], 'int32');
        const attrs = { T: { type: dtype }, Index: { type: 'int32' as const } };
        return [graph.value('Slice', { dtype, shape: x.shape }, { inputs: [dy, begin, size], attrs })];
      },
    },
  );
}
