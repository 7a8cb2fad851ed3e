import type { Architecture, ImageSize, TrainingParameters } from '@cryfold/nn';
import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';
import { augmentable, augmentationParameters } from './augmentation.js';

/** All networks share this check, so that it runs only once for several kinds. */
const checkTensorFlow = async () => (await import('@cryfold/nn')).tensorFlowInfo();

const positive = z.number().positive();
const count = z.int().positive();

/** Parameters that all networks share. */
export const trainingParameters = {
  epochs: count.max(1_000_000).describe('number of passes over the training clips'),
  batchSize: count.max(1_000_000).default(50).describe('number of clips per training step'),
  learningRate: positive.default(1e-4).describe('learning rate of the optimizer'),
  optimizer: z
    .enum(['adam', 'adamw', 'sgd'])
    .default('adam')
    .describe('adamw uses a weight decay of 0.004, and sgd uses a momentum of 0.9'),
  precision: z
    .enum(['float32', 'bfloat16', 'float16'])
    .default('float32')
    .describe('precision of convolutions and activations; weights, statistics, loss and optimizer stay in float32'),
  classWeight: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe('balanced: scale the loss of each class in inverse proportion to its share of the training clips'),
  ...augmentationParameters,
};

/** What distinguishes one network from others. */
export interface NetworkKind<P extends TrainingParameters, Input>
  extends Pick<
    EstimatorKind<P>,
    'readsVectors' | 'prerequisite' | 'pretrained' | 'caveat' | 'typicalSeconds' | 'smallestImage'
  > {
  parameters: z.ZodType<P>;
  kind: P['kind'];
  /** Kind of rows that the network reads; default: images */
  reads?: 'images' | 'vectors';
  /** Work per clip and epoch, relative to the default parameters; default 1 */
  work?(parameters: P): number;
  /** Imports the layers, which loads the network library. */
  architecture(): Promise<Architecture<P, Input>>;
}

/** A kind of estimator that is a network and is trained in epochs. */
export function networkKind<P extends TrainingParameters, Input = ImageSize>({
  architecture,
  work = () => 1,
  reads = 'images',
  ...own
}: NetworkKind<P, Input>): EstimatorKind<P> {
  return {
    ...own,
    ...augmentable,
    queue: 'gpu',
    checkRuntime: checkTensorFlow,
    reads,
    // `xla` is omitted if it is false, so that keys from before this option existed remain valid.
    keyParts: ({ threads, xla }) => ({ threads, xla: xla || undefined }),
    cost: (parameters, trainClips) => parameters.epochs * trainClips * work(parameters),
    epochs: { of: ({ epochs }) => epochs, with: (parameters, epochs) => ({ ...parameters, epochs }) },
    loadEngine: async (settings) => {
      const { createNetworkEngine } = await import('./engine.js');
      return createNetworkEngine(await architecture(), settings);
    },
    loadPredictor: async (file) => {
      const { loadNetwork } = await import('./predictor.js');
      return loadNetwork(file, { architecture: await architecture(), parameters: own.parameters });
    },
  };
}
