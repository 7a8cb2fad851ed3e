import type { Shape, Value } from '../graph/graph.js';

/**
 * Elementwise arithmetic without gradient, for preprocessing, statistics and updates. b is broadcast to the shape of a.
 */
function elementwise(op: 'Sub' | 'RealDiv' | 'Pow' | 'Maximum' | 'Minimum' | 'AddV2') {
  return (a: Value, b: Value): Value => {
    const shape: Shape = a.shape.length >= b.shape.length ? a.shape : b.shape;
    return a.graph.value(op, { dtype: a.dtype, shape }, { inputs: [a, b], attrs: { T: { type: a.dtype } } });
  };
}

export const subtract = elementwise('Sub');
export const divide = elementwise('RealDiv');
export const power = elementwise('Pow');
export const minimum = elementwise('Minimum');
export const maximum = elementwise('Maximum');
/** a + b with broadcasting and without gradient. Use `add` if a gradient is needed. */
export const plus = elementwise('AddV2');

/** Applies a function to each element, without gradient. */
function ofEach(op: 'Sqrt' | 'Exp' | 'Log' | 'Cos' | 'Neg') {
  return (x: Value): Value =>
    x.graph.value(op, { dtype: x.dtype, shape: x.shape }, { inputs: [x], attrs: { T: { type: x.dtype } } });
}

export const squareRoot = ofEach('Sqrt');
export const exponential = ofEach('Exp');
export const logarithm = ofEach('Log');
export const cosine = ofEach('Cos');
export const negative = ofEach('Neg');
