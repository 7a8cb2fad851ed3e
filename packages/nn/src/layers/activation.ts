import type { Value } from '../graph/graph.js';
import { relu } from '../ops/relu.js';
import type { Activation, Layer } from './layer.js';

export function activate(x: Value, activation: Activation): Value {
  return activation === 'relu' ? relu(x) : x;
}

export function activation(name: string, kind: Activation): Layer {
  return { kind: 'Activation', name, config: { activation: kind }, apply: (_, [x]) => activate(x, kind) };
}
