import type { Graph, Value } from '../graph/graph.js';
import { reshape } from './reshape.js';

/** The bytes of int32 [n] in memory order: uint8 [4 n]. */
export function bytesOf(x: Value): Value {
  const attrs = { T: { type: x.dtype }, type: { type: 'uint8' as const } };
  const rows = x.graph.value('Bitcast', { dtype: 'uint8', shape: [...x.shape, 4] }, { inputs: [x], attrs });
  return reshape(rows, [null]);
}

/** The first `length` (an int32 scalar) elements of a vector. */
export function firstElements(x: Value, length: Value): Value {
  const size = reshape(length, [1]);
  return x.graph.value(
    'Slice',
    { dtype: x.dtype, shape: [null] },
    { inputs: [x, x.graph.constant([0], 'int32'), size], attrs: { T: { type: x.dtype }, Index: { type: 'int32' } } },
  );
}

/** A float32 tensor filled with one value, created at run time instead of being stored in the graph. */
export function fill(graph: Graph, shape: readonly number[], value: number): Value {
  return graph.value(
    'Fill',
    { dtype: 'float32', shape },
    {
      inputs: [graph.constant(shape, 'int32'), graph.constant(value)],
      attrs: { T: { type: 'float32' }, index_type: { type: 'int32' } },
    },
  );
}
