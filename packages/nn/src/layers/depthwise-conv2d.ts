import { knownSize } from '../graph/graph.js';
import { depthwiseConv2D as convolve } from '../ops/depthwise-conv2d.js';
import { glorotUniform } from './initializers.js';
import type { Initializer, Layer } from './layer.js';

export interface DepthwiseConv2DOptions {
  /** Rows and columns of the kernels */
  size: number;
  stride?: number;
  initializer?: Initializer;
}

/** A separate convolution of each channel, padded as `SAME` and without bias, because a BatchNormalization follows. */
export function depthwiseConv2D(name: string, options: DepthwiseConv2DOptions): Layer {
  const { size, stride = 1, initializer = glorotUniform } = options;
  return {
    kind: 'DepthwiseConv2D',
    name,
    config: {
      kernel_size: [size, size],
      strides: [stride, stride],
      padding: 'same',
      data_format: 'channels_last',
      depth_multiplier: 1,
      activation: 'linear',
      use_bias: false,
    },
    apply(context, [x]) {
      // The weight's name in TF.js and in Keras 2, for which weights files were published. Keras 3 reads the weights of
      // a layer in order, whatever their names.
      const kernel = context.weight('depthwise_kernel', [size, size, knownSize(x.shape, 3), 1], initializer);
      return convolve(x, kernel, stride, 'SAME');
    },
  };
}
