import { plus, subtract } from '../ops/arithmetic.js';
import { multiply } from '../ops/multiply.js';
import { reverseLast } from '../ops/reverse.js';
import { conv2D } from './conv2d.js';
import type { Layer } from './layer.js';

/** x * scale + offset, like Keras's layer with this name. */
export function rescaling(name: string, scale: number, offset = 0): Layer {
  return {
    kind: 'Rescaling',
    name,
    config: { scale, offset },
    float32: true,
    apply(_, [x]) {
      const scaled = multiply(x, x.graph.constant(scale));
      return offset === 0 ? scaled : plus(scaled, x.graph.constant(offset));
    },
  };
}

/**
 * Computes (x / 255 - mean) / deviation for each RGB channel. Exported as a 1x1 convolution, because other programs
 * have no such layer.
 * @param mean @param deviation of ImageNet's images, scaled to 0-1
 */
export function standardization(name: string, mean: readonly number[], deviation: readonly number[]): Layer {
  const scale = deviation.map((one) => 1 / (255 * one));
  const offset = mean.map((one, channel) => -one / deviation[channel]);
  const kernel = new Float32Array(9);
  scale.forEach((factor, channel) => {
    kernel[4 * channel] = factor;
  });
  return {
    ...conv2D(name, { filters: 3, size: 1 }),
    constants: {
      kernel: { shape: [1, 1, 3, 3], data: kernel },
      bias: { shape: [3], data: Float32Array.from(offset) },
    },
    float32: true,
    apply(_, [x]) {
      const { graph, dtype, shape } = x;
      const scaled = graph.value(
        'Mul',
        { dtype, shape },
        { inputs: [x, graph.constant(scale)], attrs: { T: { type: dtype } } },
      );
      return plus(scaled, graph.constant(offset));
    },
  };
}

/** Mean blue, green and red of ImageNet: keras.applications.imagenet_utils, mode 'caffe'. */
const MEAN_BGR = [103.939, 116.779, 123.68];

/**
 * Converts RGB of 0-255 to BGR relative to ImageNet's mean: keras.applications.resnet50.preprocess_input. Exported as a
 * 1x1 convolution that swaps the channels and adds -mean, because other programs have no such layer. The result is
 * bit-identical.
 */
export function caffePreprocessing(name: string): Layer {
  return {
    ...conv2D(name, { filters: 3, size: 1 }),
    constants: {
      kernel: { shape: [1, 1, 3, 3], data: Float32Array.of(0, 0, 1, 0, 1, 0, 1, 0, 0) },
      bias: { shape: [3], data: Float32Array.from(MEAN_BGR, (mean) => -mean) },
    },
    float32: true,
    apply: (_, [x]) => subtract(reverseLast(x), x.graph.constant(MEAN_BGR)),
  };
}
