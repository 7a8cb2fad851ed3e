import { z } from 'zod';
import type { TrainingParameters } from '../src/models/architecture.js';
import type { NetworkDefinition } from '../src/models/definition.js';
import { waveImages } from './generator.js';
import { range } from './stripes.js';

const [COUNT, HEIGHT, WIDTH] = [20, 33, 35];

/** Images of waves, whose batch statistics are well-conditioned, and a fold that consists of a single batch. */
export const waves = {
  images: waveImages(COUNT, HEIGHT, WIDTH),
  height: HEIGHT,
  width: WIDTH,
  labels: Int32Array.from({ length: COUNT }, (_, i) => i % 3),
  classCount: 3,
};
export const wavesFold = { train: range(0, 16), test: range(16, 20) };
/** The test images of `wavesFold` */
export const waveTests = waves.images.subarray(wavesFold.train.length * HEIGHT * WIDTH * 3);

/** A network with default parameters, except for those given, trained for one epoch on one batch. */
export function specOf({ kind, parameters, architecture }: NetworkDefinition, own: object = {}) {
  const training: TrainingParameters = {
    ...{ kind, epochs: 1, batchSize: 16, learningRate: 1e-3, optimizer: 'adam', precision: 'float32' },
    classWeight: 'none',
  };
  return { architecture, parameters: { ...training, ...z.object(parameters).parse(own), ...own } };
}
