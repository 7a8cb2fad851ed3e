import type { Initializer } from './layer.js';

export const zeros: Initializer = (shape) => new Float32Array(size(shape));
export const ones: Initializer = (shape) => new Float32Array(size(shape)).fill(1);

/**
 * Uniform in [-limit, limit) with limit = sqrt(6 / (fan in + fan out)), where each fan is the size of the receptive
 * field times the number of input or output channels. Source: Glorot and Bengio (2010); Keras's default for Dense and
 * Conv2D.
 */
export const glorotUniform: Initializer = (shape, random) => {
  const field = size(shape.slice(0, -2));
  const fans = field * (shape[shape.length - 2] + shape[shape.length - 1]);
  const limit = Math.sqrt(6 / fans);
  const values = new Float32Array(size(shape));
  for (let i = 0; i < values.length; i++) values[i] = random.uniform(-limit, limit);
  return values;
};

/**
 * Normal with a standard deviation of sqrt(2 / fan out), truncated at two deviations and then rescaled to the same
 * deviation: Keras's VarianceScaling(2, 'fan_out', 'truncated_normal'), as in EfficientNet.
 */
export const heNormal: Initializer = (shape, random) => {
  const fan = size(shape.slice(0, -2)) * shape[shape.length - 1];
  // 0.8796... is the standard deviation of a standard normal distribution truncated at 2.
  const deviation = Math.sqrt(2 / fan) / 0.8796256610342398;
  const draw = () => {
    for (;;) {
      const value = random.normal();
      if (Math.abs(value) <= 2) return deviation * value;
    }
  };
  return Float32Array.from({ length: size(shape) }, draw);
};

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
