import { knownSize, type Shape, type Value } from '../graph/graph.js';
import { type Padding, windowAttrs, windowCount } from './conv2d.js';
import { shapeOf } from './shape.js';

/**
 * 2D convolution of each channel with a separate kernel.
 * @param x [batch, height, width, channels]
 * @param kernel [rows, columns, channels, 1]
 */
export function depthwiseConv2D(x: Value, kernel: Value, stride: number, padding: Padding): Value {
  const { graph, dtype } = x;
  const [rows, columns, channels] = kernel.shape;
  if (x.shape[3] !== channels)
    throw new Error(`depthwiseConv2D: the input has ${x.shape[3]} channels, but the kernel expects ${channels}`);
  const size = (axis: number, window: number | null) =>
    windowCount(knownSize(x.shape, axis), window as number, stride, padding);
  const shape: Shape = [x.shape[0], size(1, rows), size(2, columns), channels];
  const attrs = windowAttrs(x, stride, padding);
  const backprop = (part: 'Input' | 'Filter', like: Value, inputs: Value[]) =>
    graph.value(`DepthwiseConv2dNativeBackprop${part}`, { dtype, shape: like.shape }, { inputs, attrs });
  return graph.value(
    'DepthwiseConv2dNative',
    { dtype, shape },
    {
      inputs: [x, kernel],
      attrs,
      gradient: ([dy]) => {
        if (!dy) return [];
        const kernelSizes = graph.constant(kernel.shape as number[], 'int32');
        return [backprop('Input', x, [shapeOf(x), kernel, dy]), backprop('Filter', kernel, [x, kernelSizes, dy])];
      },
    },
  );
}
