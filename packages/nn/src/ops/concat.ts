import { knownSize, type Value } from '../graph/graph.js';

/** The columns of a, followed by those of b: [batch, m] and [batch, n] to [batch, m + n]. */
export function concatColumns(a: Value, b: Value): Value {
  const { graph, dtype } = a;
  const [left, right] = [knownSize(a.shape, 1), knownSize(b.shape, 1)];
  const part = (dy: Value, of: Value, from: number, columns: number) =>
    graph.value(
      'Slice',
      { dtype, shape: of.shape },
      {
        inputs: [dy, graph.constant([0, from], 'int32'), graph.constant([-1, columns], 'int32')],
        attrs: { T: { type: dtype }, Index: { type: 'int32' } },
      },
    );
  return graph.value(
    'ConcatV2',
    { dtype, shape: [a.shape[0], left + right] },
    {
      inputs: [a, b, graph.constant(1, 'int32')],
      attrs: { T: { type: dtype }, N: { int: 2 }, Tidx: { type: 'int32' } },
      gradient: ([dy]) => (dy ? [part(dy, a, 0, left), part(dy, b, left, right)] : []),
    },
  );
}
