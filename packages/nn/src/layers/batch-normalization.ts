import { knownSize, type Value } from '../graph/graph.js';
import { divide, maximum, subtract } from '../ops/arithmetic.js';
import { cast } from '../ops/cast.js';
import { fusedBatchNorm } from '../ops/fused-batch-norm.js';
import { multiply } from '../ops/multiply.js';
import { sizeOf } from '../ops/shape.js';
import { ones, zeros } from './initializers.js';
import type { Layer } from './layer.js';

/**
 * Normalises each channel of [batch, height, width, channels]. Training moves the layer's statistics towards those of
 * the batch.
 */
export function batchNormalization(name: string, epsilon: number): Layer {
  return {
    kind: 'BatchNormalization',
    name,
    config: { axis: -1, momentum: 0.99, epsilon, center: true, scale: true },
    apply(context, [x]) {
      const channels = [knownSize(x.shape, 3)];
      const float32 = true;
      const parameters = {
        scale: context.weight('gamma', channels, ones, { float32 }),
        offset: context.weight('beta', channels, zeros, { float32 }),
        mean: context.weight('moving_mean', channels, zeros, { float32, trainable: false }),
        variance: context.weight('moving_variance', channels, ones, { float32, trainable: false }),
      };
      const { y, mean, variance } = fusedBatchNorm(x, parameters, epsilon, context.training);
      if (context.training) {
        context.track('moving_mean', mean);
        context.track('moving_variance', multiply(variance, biasedShare(x, channels[0])));
      }
      return y;
    },
  };
}

/** (n - 1) / n with n = batch * height * width undoes the kernel's Bessel correction, which Keras does not apply. */
function biasedShare(x: Value, channels: number): Value {
  const { graph } = x;
  const n = divide(cast(sizeOf(x), 'float32'), graph.constant(channels));
  return divide(maximum(subtract(n, graph.constant(1)), graph.constant(0)), n);
}
