import { knownSize, type Value } from '../graph/graph.js';
import { windowCount } from './conv2d.js';

/** Maximum over `window` x `window` squares of x [batch, height, width, channels], without padding. */
export function maxPool(x: Value, window: number, stride: number): Value {
  const size = (axis: number) => windowCount(knownSize(x.shape, axis), window, stride, 'VALID');
  const attrs = {
    T: { type: x.dtype },
    ksize: { ints: [1, window, window, 1] },
    strides: { ints: [1, stride, stride, 1] },
    padding: { string: 'VALID' },
    explicit_paddings: { ints: [] },
    data_format: { string: 'NHWC' },
  };
  return x.graph.value(
    'MaxPool',
    { dtype: x.dtype, shape: [x.shape[0], size(1), size(2), x.shape[3]] },
    {
      inputs: [x],
      attrs,
      gradient: ([dy], [y]) => [
        dy && x.graph.value('MaxPoolGrad', { dtype: x.dtype, shape: x.shape }, { inputs: [x, y, dy], attrs }),
      ],
    },
  );
}
