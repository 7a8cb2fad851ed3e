import type { GraphNode, Value, Variable } from '../graph/graph.js';
import { power } from '../ops/arithmetic.js';
import { multiply } from '../ops/multiply.js';
import type { Optimizer, StepValues } from './optimizer.js';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-7;
const SLOTS = ['momentum', 'velocity'];

/** Adam with Keras's defaults: Kingma and Ba (2014), with the bias correction folded into the learning rate. */
export function adam(): Optimizer {
  return {
    name: 'adam',
    slots: SLOTS,
    prepare: (step) => {
      const update = adamUpdate(step);
      return (weight, gradient, slots) => update(weight, gradient, slots, []);
    },
  };
}

/**
 * Adam, preceded by `weight -= weightDecay * learningRate * weight`: Loshchilov and Hutter (2017), as in Keras's AdamW.
 */
export function adamW(weightDecay = 0.004): Optimizer {
  return {
    name: `adamw ${weightDecay}`,
    slots: SLOTS,
    prepare: (step) => {
      const { graph } = step;
      const share = multiply(step.learningRate, graph.constant(weightDecay));
      const update = adamUpdate(step);
      return (weight, gradient, slots) => {
        const decay = graph.node('AssignSubVariableOp', {
          name: `${weight.name}/decay`,
          inputs: [weight.handle, multiply(graph.read(weight), share)],
          attrs: { dtype: { type: weight.dtype } },
          after: [gradient.node],
        });
        return update(weight, gradient, slots, [decay]);
      };
    },
  };
}

function adamUpdate({ graph, learningRate, iteration }: StepValues) {
  const [beta1, beta2, epsilon] = [BETA1, BETA2, EPSILON].map((value) => graph.constant(value));
  const [power1, power2] = [power(beta1, iteration), power(beta2, iteration)];
  return (weight: Variable, gradient: Value, [momentum, velocity]: readonly Variable[], after: GraphNode[]) =>
    graph.node('ResourceApplyAdam', {
      name: `${weight.name}/adam`,
      inputs: [
        ...[weight.handle, momentum.handle, velocity.handle],
        ...[power1, power2, learningRate, beta1, beta2, epsilon, gradient],
      ],
      attrs: { T: { type: weight.dtype }, use_locking: { bool: false }, use_nesterov: { bool: false } },
      after,
    });
}
