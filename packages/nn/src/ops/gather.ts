import type { Value, Variable } from '../graph/graph.js';

/** Rows of a variable: [n, ...] to [indices, ...], without reading the whole variable. */
export function gatherVariable(variable: Variable, indices: Value): Value {
  return indices.graph.value(
    'ResourceGather',
    { dtype: variable.dtype, shape: [...indices.shape, ...variable.shape.slice(1)] },
    {
      inputs: [variable.handle, indices],
      attrs: {
        dtype: { type: variable.dtype },
        Tindices: { type: indices.dtype },
        batch_dims: { int: 0 },
        validate_indices: { bool: true },
      },
    },
  );
}

/** Elements of a vector: [n] to [indices]. */
export function gather(vector: Value, indices: Value): Value {
  const { graph, dtype } = vector;
  return graph.value(
    'GatherV2',
    { dtype, shape: indices.shape },
    {
      inputs: [vector, indices, graph.constant(0, 'int32')],
      attrs: {
        Tparams: { type: dtype },
        Tindices: { type: indices.dtype },
        Taxis: { type: 'int32' },
        batch_dims: { int: 0 },
      },
    },
  );
}
