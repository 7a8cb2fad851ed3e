import type { Value } from '../graph/graph.js';

/**
 * An elementwise function whose gradient op takes the output y and its gradient dy, so that x does not have to stay in
 * memory.
 * @param inputs inputs of the gradient op, in order
 */
function unary(op: string, inputs: (y: Value, dy: Value) => Value[]) {
  return (x: Value): Value => {
    const of = { dtype: x.dtype, shape: x.shape };
    const attrs = { T: { type: x.dtype } };
    return x.graph.value(op, of, {
      inputs: [x],
      attrs,
      gradient: ([dy], [y]) => [dy && x.graph.value(`${op}Grad`, of, { inputs: inputs(y, dy), attrs })],
    });
  };
}

const outputFirst = (y: Value, dy: Value) => [y, dy];
const gradientFirst = (y: Value, dy: Value) => [dy, y];

/** max(x, 0) */
export const relu = unary('Relu', gradientFirst);
/** min(max(x, 0), 6) */
export const relu6 = unary('Relu6', gradientFirst);
/** 1 / (1 + exp(-x)) */
export const sigmoid = unary('Sigmoid', outputFirst);
/** The square root; x must not be 0 if its gradient is needed. */
export const root = unary('Sqrt', outputFirst);
/** 1 / x */
export const reciprocal = unary('Reciprocal', outputFirst);
