import type { Shape, Value } from '../graph/graph.js';

/** Elementwise arithmetic without gradient, for preprocessing, statistics and updates: b broadcasts to a. */
function elementwise(op: 'Sub' | 'RealDiv' | 'Pow' | 'Maximum' | 'AddV2') {
  return (a: Value, b: Value): Value => {
    const shape: Shape = a.shape.length >= b.shape.length ? a.shape : b.shape;
    return a.graph.value(op, { dtype: a.dtype, shape }, { inputs: [a, b], attrs: { T: { type: a.dtype } } });
  };
}

export const subtract = elementwise('Sub');
export const divide = elementwise('RealDiv');
export const power = elementwise('Pow');
export const maximum = elementwise('Maximum');
/** a + b with broadcasting and without gradient; `add` is the differentiable one. */
export const plus = elementwise('AddV2');

export function squareRoot(x: Value): Value {
  return x.graph.value('Sqrt', { dtype: x.dtype, shape: x.shape }, { inputs: [x], attrs: { T: { type: x.dtype } } });
}
