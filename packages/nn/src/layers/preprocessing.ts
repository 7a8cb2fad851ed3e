import { plus, subtract } from '../ops/arithmetic.js';
import { multiply } from '../ops/multiply.js';
import { reverseLast } from '../ops/reverse.js';
import type { Layer } from './layer.js';

/** x * scale + offset, as Keras's layer of this name. */
export function rescaling(name: string, scale: number, offset = 0): Layer {
  return {
    kind: 'Rescaling',
    name,
    float32: true,
    apply(_, [x]) {
      const scaled = multiply(x, x.graph.constant(scale));
      return offset === 0 ? scaled : plus(scaled, x.graph.constant(offset));
    },
  };
}

/** ImageNet's mean blue, green and red: keras.applications.imagenet_utils, mode 'caffe'. */
const MEAN_BGR = [103.939, 116.779, 123.68];

/** RGB of 0-255 to BGR around ImageNet's mean: keras.applications.resnet50.preprocess_input. */
export function caffePreprocessing(name: string): Layer {
  return {
    kind: 'CaffePreprocessing',
    name,
    float32: true,
    apply: (_, [x]) => subtract(reverseLast(x), x.graph.constant(MEAN_BGR)),
  };
}
