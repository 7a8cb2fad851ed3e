import type { Value } from '../graph/graph.js';

/** The gradient is taken from the output, so that x need not stay in memory. */
function rectifier(op: 'Relu' | 'Relu6') {
  return (x: Value): Value => {
    const of = { dtype: x.dtype, shape: x.shape };
    const attrs = { T: { type: x.dtype } };
    return x.graph.value(op, of, {
      inputs: [x],
      attrs,
      gradient: ([dy], [y]) => [dy && x.graph.value(`${op}Grad`, of, { inputs: [dy, y], attrs })],
    });
  };
}

/** max(x, 0) */
export const relu = rectifier('Relu');
/** min(max(x, 0), 6) */
export const relu6 = rectifier('Relu6');
