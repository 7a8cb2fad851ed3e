import { knownSize } from '../graph/graph.js';
import { biasAdd } from '../ops/bias-add.js';
import { conv2D as convolve, type Padding } from '../ops/conv2d.js';
import { activate } from './activation.js';
import { glorotUniform, zeros } from './initializers.js';
import type { Activation, Initializer, Layer } from './layer.js';

export interface Conv2DOptions {
  filters: number;
  /** Rows and columns of the kernel. */
  size: number;
  stride?: number;
  padding?: Padding;
  activation?: Activation;
  /**
   * False before a BatchNormalization, which would subtract the bias again. Use `folded` if Keras's layer has a bias
   * anyway; the bias is then absorbed into the moving mean.
   */
  bias?: boolean | 'folded';
  /** Initialiser of the kernel; default: glorotUniform */
  initializer?: Initializer;
}

/** 2D convolution: [batch, height, width, channels] to [batch, height', width', filters]. */
export function conv2D(name: string, options: Conv2DOptions): Layer {
  const { filters, size, stride = 1, padding = 'VALID', activation = 'linear', initializer = glorotUniform } = options;
  const bias = (options.bias ?? true) === true;
  return {
    kind: 'Conv2D',
    name,
    config: {
      filters,
      kernel_size: [size, size],
      strides: [stride, stride],
      padding: padding.toLowerCase(),
      data_format: 'channels_last',
      activation,
      use_bias: bias,
    },
    ...(options.bias === 'folded' && { foldedBias: filters }),
    apply(context, [x]) {
      const kernel = context.weight('kernel', [size, size, knownSize(x.shape, 3), filters], initializer);
      const y = convolve(x, kernel, stride, padding);
      return activate(bias ? biasAdd(y, context.weight('bias', [filters], zeros)) : y, activation);
    },
  };
}
