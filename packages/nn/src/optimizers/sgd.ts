import type { Optimizer } from './optimizer.js';

/** Keras's SGD: velocity = momentum * velocity - learningRate * gradient; weight += velocity. */
export function sgd(momentum = 0): Optimizer {
  return {
    name: `sgd ${momentum}`,
    slots: ['momentum'],
    prepare: ({ graph, learningRate }) => {
      const share = graph.constant(momentum);
      return (weight, gradient, [velocity]) =>
        graph.node('ResourceApplyKerasMomentum', {
          name: `${weight.name}/sgd`,
          inputs: [weight.handle, velocity.handle, learningRate, gradient, share],
          attrs: { T: { type: weight.dtype }, use_locking: { bool: false }, use_nesterov: { bool: false } },
        });
    },
  };
}
