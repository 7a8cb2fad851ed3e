import { knownSize } from '../graph/graph.js';
import { divide, squareRoot, subtract } from '../ops/arithmetic.js';
import { ones, zeros } from './initializers.js';
import type { Layer } from './layer.js';

/** Name of the layer whose weights are the means and variances of a fold; see `standardizationWeights`. */
export const STANDARDIZATION = 'standardization';

/**
 * (x - mean) / sqrt(variance) of each column of [batch, columns], with constant statistics. In Keras, this is a
 * BatchNormalization in inference mode without scale, centre and epsilon.
 */
export function columnStandardization(): Layer {
  return {
    kind: 'BatchNormalization',
    name: STANDARDIZATION,
    config: { axis: -1, momentum: 0.99, epsilon: 0, center: false, scale: false, trainable: false },
    float32: true,
    apply(context, [x]) {
      const columns = [knownSize(x.shape, 1)];
      const fixed = { float32: true, trainable: false };
      const mean = context.weight('moving_mean', columns, zeros, fixed);
      const variance = context.weight('moving_variance', columns, ones, fixed);
      return divide(subtract(x, mean), squareRoot(variance));
    },
  };
}
