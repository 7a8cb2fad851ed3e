import type { Value } from '../graph/graph.js';

/** An elementwise function whose gradient op takes the output and its gradient. */
function unary(op: 'Sigmoid' | 'Sqrt' | 'Reciprocal') {
  return (x: Value): Value => {
    const of = { dtype: x.dtype, shape: x.shape };
    const attrs = { T: { type: x.dtype } };
    return x.graph.value(op, of, {
      inputs: [x],
      attrs,
      gradient: ([dy], [y]) => [dy && x.graph.value(`${op}Grad`, of, { inputs: [y, dy], attrs })],
    });
  };
}

/** 1 / (1 + exp(-x)) */
export const sigmoid = unary('Sigmoid');
/** The square root; x must not be 0 where its gradient is needed. */
export const root = unary('Sqrt');
/** 1 / x */
export const reciprocal = unary('Reciprocal');
