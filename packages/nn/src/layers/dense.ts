import { knownSize } from '../graph/graph.js';
import { biasAdd } from '../ops/bias-add.js';
import { matMul } from '../ops/mat-mul.js';
import { activate } from './activation.js';
import { glorotUniform, zeros } from './initializers.js';
import type { Activation, Layer } from './layer.js';

/** Fully connected: maps [batch, inputs] to [batch, units]. */
export function dense(name: string, units: number, activation: Activation = 'linear'): Layer {
  return {
    kind: 'Dense',
    name,
    config: { units, activation, use_bias: true },
    apply(context, [x]) {
      const kernel = context.weight('kernel', [knownSize(x.shape, 1), units], glorotUniform);
      return activate(biasAdd(matMul(x, kernel), context.weight('bias', [units], zeros)), activation);
    },
  };
}
