import type { Value } from '../graph/graph.js';

/** max(x, 0). The gradient is taken from the output, so that x need not stay in memory. */
export function relu(x: Value): Value {
  const of = { dtype: x.dtype, shape: x.shape };
  const attrs = { T: { type: x.dtype } };
  return x.graph.value('Relu', of, {
    inputs: [x],
    attrs,
    gradient: ([dy], [y]) => [dy && x.graph.value('ReluGrad', of, { inputs: [dy, y], attrs })],
  });
}
