import type { Shape, Value, Variable } from '../graph/graph.js';

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

/** Rows of x by index: [n, ...] to [...indices, ...]. Without gradient. */
export function gather(x: Value, indices: Value): Value {
  return gatherAlong(x, indices, { axis: 0, batch: 0, shape: [...indices.shape, ...x.shape.slice(1)] });
}

/**
 * Columns of each image, selected by that image's own indices: x [batch, height, width], indices [batch, n] to [batch,
 * height, n].
 */
export function gatherColumns(x: Value, indices: Value): Value {
  return gatherAlong(x, indices, { axis: 2, batch: 1, shape: [x.shape[0], x.shape[1], indices.shape[1]] });
}

function gatherAlong(x: Value, indices: Value, to: { axis: number; batch: number; shape: Shape }): Value {
  const { graph, dtype } = x;
  return graph.value(
    'GatherV2',
    { dtype, shape: to.shape },
    {
      inputs: [x, indices, graph.constant(to.axis, 'int32')],
      attrs: {
        Tparams: { type: dtype },
        Tindices: { type: indices.dtype },
        Taxis: { type: 'int32' },
        batch_dims: { int: to.batch },
      },
    },
  );
}
