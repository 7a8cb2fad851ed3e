import type { Initializer } from './layer.js';

export const zeros: Initializer = (shape) => new Float32Array(size(shape));
export const ones: Initializer = (shape) => new Float32Array(size(shape)).fill(1);

/**
 * Uniform in [-limit, limit), limit = sqrt(6 / (fan in + fan out)), a fan being the receptive field times the channels
 * on its side. Source: Glorot and Bengio (2010); Keras's default for Dense and Conv2D.
 */
export const glorotUniform: Initializer = (shape, random) => {
  const field = size(shape.slice(0, -2));
  const fans = field * (shape[shape.length - 2] + shape[shape.length - 1]);
  const limit = Math.sqrt(6 / fans);
  const values = new Float32Array(size(shape));
  for (let i = 0; i < values.length; i++) values[i] = random.uniform(-limit, limit);
  return values;
};

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
