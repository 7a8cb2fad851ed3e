import type { Value } from '../graph/graph.js';
import { multiply } from '../ops/multiply.js';
import { relu, relu6, sigmoid } from '../ops/unary.js';
import type { Activation, Layer } from './layer.js';

const FUNCTIONS: Record<Activation, (x: Value) => Value> = {
  linear: (x) => x,
  relu,
  sigmoid,
  swish: (x) => multiply(x, sigmoid(x)),
};

export function activate(x: Value, activation: Activation): Value {
  return FUNCTIONS[activation](x);
}

export function activation(name: string, kind: Activation): Layer {
  return { kind: 'Activation', name, config: { activation: kind }, apply: (_, [x]) => activate(x, kind) };
}

/** min(max(x, 0), 6): Keras's `ReLU(6)`. */
export function clippedRelu(name: string): Layer {
  return { kind: 'ReLU', name, config: { max_value: 6 }, apply: (_, [x]) => relu6(x) };
}
