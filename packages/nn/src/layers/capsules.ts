import { elementCount, knownSize, type Value } from '../graph/graph.js';
import { add } from '../ops/add.js';
import { einsum } from '../ops/einsum.js';
import { multiply } from '../ops/multiply.js';
import { reshape } from '../ops/reshape.js';
import { softmax } from '../ops/softmax.js';
import { reciprocal, root } from '../ops/unary.js';
import { glorotUniform } from './initializers.js';
import type { Layer } from './layer.js';

/** Keras's fuzz factor, which keeps the gradient of a length finite where the length is 0. */
const EPSILON = 1e-7;

/** |x|^2 of each capsule: [batch, capsules, dimensions] to [batch, capsules]. */
function squares(x: Value): Value {
  return einsum('bje,bje->bj', x, x);
}

function shifted(x: Value, by: number): Value {
  return add(x, x.graph.constant(by));
}

/**
 * x|x| / (1 + |x|^2): keeps the direction of each capsule, and reduces its length to less than 1. Sabour et al. (2017),
 * equation 1.
 */
function squash(x: Value): Value {
  const square = squares(x);
  return einsum('bje,bj->bje', x, multiply(root(shifted(square, EPSILON)), reciprocal(shifted(square, 1))));
}

/**
 * The channels of a convolution as squashed vectors: [batch, height, width, channels] to [batch, capsules, dimensions].
 */
export function primaryCapsules(name: string, dimensions: number): Layer {
  return {
    kind: 'PrimaryCapsules',
    name,
    config: { dimensions },
    float32: true,
    apply: (_, [x]) => squash(reshape(x, [x.shape[0], elementCount(x.shape.slice(1)) / dimensions, dimensions])),
  };
}

export interface RoutingOptions {
  /** Capsules of the output */
  capsules: number;
  /** Elements of each capsule */
  dimensions: number;
  /** Number of times the coupling is computed, at least 1 */
  iterations: number;
}

/**
 * Routing by agreement: Sabour et al. (2017), procedure 1. Each capsule predicts all output capsules. The more its
 * prediction agrees with an output, the more it contributes to that output. Gradients flow through all iterations.
 * [batch, inputs, d] to [batch, capsules, dimensions]
 */
export function routedCapsules(name: string, { capsules, dimensions, iterations }: RoutingOptions): Layer {
  return {
    kind: 'RoutedCapsules',
    name,
    config: { capsules, dimensions, iterations },
    float32: true,
    apply(context, [x]) {
      const { graph } = x;
      const [inputs, length] = [knownSize(x.shape, 1), knownSize(x.shape, 2)];
      const kernel = context.weight('kernel', [inputs, capsules, length, dimensions], glorotUniform);
      const predictions = einsum('bid,ijde->bije', x, kernel);
      // In the first iteration all outputs get equal shares.
      const equal = graph.constant(new Array(inputs).fill(1 / capsules));
      let output = squash(einsum('bije,i->bje', predictions, equal));
      let agreement: Value | undefined;
      for (let iteration = 1; iteration < iterations; iteration++) {
        const gained = einsum('bije,bje->bij', predictions, output);
        agreement = agreement ? add(agreement, gained) : gained;
        output = squash(einsum('bije,bij->bje', predictions, softmax(agreement)));
      }
      return output;
    },
  };
}

/** Length of each capsule: [batch, capsules, dimensions] to [batch, capsules], between 0 and 1. */
export function capsuleLengths(name: string): Layer {
  return {
    kind: 'CapsuleLengths',
    name,
    config: {},
    float32: true,
    apply: (_, [x]) => root(shifted(squares(x), EPSILON)),
  };
}
