import type { Value } from '../graph/graph.js';

/**
 * Returns a bool scalar: whether all elements of all given float32 tensors are finite. This takes one pass, which
 * computes sums of squares.
 */
export function allFinite(tensors: readonly Value[]): Value {
  const { graph } = tensors[0];
  const scalar = { dtype: 'float32' as const, shape: [] };
  const attrs = { T: { type: 'float32' as const } };
  const squares = tensors.map((tensor) => graph.value('L2Loss', scalar, { inputs: [tensor], attrs }));
  const sum = graph.value('AddN', scalar, { inputs: squares, attrs: { ...attrs, N: { int: squares.length } } });
  return graph.value('IsFinite', { dtype: 'bool', shape: [] }, { inputs: [sum], attrs });
}
