import type { Value } from '../graph/graph.js';

export interface BatchNormResult {
  /** [batch, height, width, channels], in x's type */
  y: Value;
  /** [channels]; in training, the mean of the batch */
  mean: Value;
  /** [channels]; in training, the batch's variance with Bessel's correction n / (n - 1), n = batch * height * width */
  variance: Value;
}

/**
 * Batch normalisation over all axes but the last: y = scale * (x - mean) / sqrt(variance + epsilon) + offset. In
 * training, the mean and variance of the batch are used; otherwise, the given ones. x may have a short float type; the
 * parameters are float32.
 */
export function fusedBatchNorm(
  x: Value,
  parameters: { scale: Value; offset: Value; mean: Value; variance: Value },
  epsilon: number,
  training: boolean,
): BatchNormResult {
  const { graph } = x;
  const { scale, offset } = parameters;
  const empty = graph.constant([]);
  const mean = training ? empty : parameters.mean;
  const variance = training ? empty : parameters.variance;
  const attrs = {
    T: { type: x.dtype },
    U: { type: 'float32' as const },
    epsilon: { float: epsilon },
    data_format: { string: 'NHWC' },
    is_training: { bool: training },
  };
  const vector = { dtype: 'float32' as const, shape: scale.shape };
  const node = graph.node('FusedBatchNormV3', {
    inputs: [x, scale, offset, mean, variance],
    attrs: { ...attrs, exponential_avg_factor: { float: 1 } },
    outputs: [{ dtype: x.dtype, shape: x.shape }, vector, vector, vector, vector, { dtype: 'float32', shape: [null] }],
    gradient: ([dy], outputs) => {
      if (!dy) return [];
      // In inference mode, the reserved outputs of the kernel are not the statistics, so the statistics themselves are
      // passed.
      const [first, second] = training ? [outputs[3], outputs[4]] : [mean, variance];
      const gradient = graph.node('FusedBatchNormGradV3', {
        inputs: [dy, x, scale, first, second, outputs[5]],
        attrs,
        outputs: [{ dtype: x.dtype, shape: x.shape }, vector, vector, vector, vector],
      });
      return gradient.outputs.slice(0, 3);
    },
  });
  return { y: node.outputs[0], mean: node.outputs[1], variance: node.outputs[2] };
}
