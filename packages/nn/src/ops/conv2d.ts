import { knownSize, type Shape, type Value } from '../graph/graph.js';
import { shapeOf } from './shape.js';

export type Padding = 'SAME' | 'VALID';

/** The output size along one axis by TensorFlow's rules for `SAME` and `VALID`. */
export function windowCount(size: number, window: number, stride: number, padding: Padding): number {
  return padding === 'SAME' ? Math.ceil(size / stride) : Math.floor((size - window) / stride) + 1;
}

/** Attributes of convolutions over [batch, height, width, channels] and of their gradients. */
export function windowAttrs({ dtype }: Value, stride: number, padding: Padding) {
  return {
    T: { type: dtype },
    strides: { ints: [1, stride, stride, 1] },
    padding: { string: padding },
    explicit_paddings: { ints: [] },
    dilations: { ints: [1, 1, 1, 1] },
    data_format: { string: 'NHWC' },
  };
}

/**
 * 2D convolution.
 * @param x [batch, height, width, channels]
 * @param kernel [rows, columns, channels, filters]
 */
export function conv2D(x: Value, kernel: Value, stride: number, padding: Padding): Value {
  const { graph, dtype } = x;
  const [rows, columns, channels, filters] = kernel.shape;
  if (x.shape[3] !== channels)
    throw new Error(`conv2D: the input has ${x.shape[3]} channels, but the kernel expects ${channels}`);
  const size = (axis: number, window: number | null) =>
    windowCount(knownSize(x.shape, axis), window as number, stride, padding);
  const shape: Shape = [x.shape[0], size(1, rows), size(2, columns), filters];
  const attrs = { ...windowAttrs(x, stride, padding), use_cudnn_on_gpu: { bool: true } };
  return graph.value(
    'Conv2D',
    { dtype, shape },
    {
      inputs: [x, kernel],
      attrs,
      gradient: ([dy]) => {
        if (!dy) return [];
        const kernelSizes = graph.constant(kernel.shape as number[], 'int32');
        return [
          graph.value('Conv2DBackpropInput', { dtype, shape: x.shape }, { inputs: [shapeOf(x), kernel, dy], attrs }),
          graph.value('Conv2DBackpropFilter', { dtype, shape: kernel.shape }, { inputs: [x, kernelSizes, dy], attrs }),
        ];
      },
    },
  );
}
