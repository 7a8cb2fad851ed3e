import type { NetworkSpec, TrainingParameters } from '../src/models/architecture.js';
import { type DenseShape, denseNetwork } from '../src/models/dense-network.js';
import { tlResnet50 } from '../src/models/resnet50.js';
import { type SmallCnnShape, smallCnn } from '../src/models/small-cnn.js';
import type { HeadShape } from '../src/models/transfer.js';
import { type TwoBranchShape, twoBranch } from '../src/models/two-branch.js';

type Cnn = TrainingParameters & SmallCnnShape;
type ResNet = TrainingParameters & HeadShape & Required<Pick<TrainingParameters, 'weights' | 'backbone'>>;

const training = {
  batchSize: 50,
  learningRate: 1e-4,
  optimizer: 'adam',
  precision: 'float32',
  classWeight: 'none',
} as const;

/** A Small CNN with the paper's parameters, except for those given. */
export function smallCnnSpec(own: Partial<Cnn> = {}): NetworkSpec<Cnn> {
  const parameters = { kind: 'small-cnn', epochs: 10, ...training, filters: [32, 64, 128], dense: [128], ...own };
  return { architecture: smallCnn.architecture, parameters };
}

/** A ResNet50 with the paper's parameters and random weights, except for those given. */
export function resnet50Spec(own: Partial<ResNet> = {}): NetworkSpec<ResNet> {
  const parameters: ResNet = {
    ...{ kind: 'tl-resnet50', epochs: 3, ...training, weights: 'random', backbone: 'full' },
    ...{ dropout: 0.25, dense: [256, 128, 64] },
    ...own,
  };
  return { architecture: tlResnet50.architecture, parameters };
}

/** The same network with some parameters replaced. */
export function withParameters<P extends TrainingParameters>(spec: NetworkSpec<P>, own: Partial<P>): NetworkSpec<P> {
  return { ...spec, parameters: { ...spec.parameters, ...own } };
}

/** A small network that reads vectors, with the given parameters. */
export function denseSpec(own: Partial<TrainingParameters & DenseShape> = {}): NetworkSpec {
  const parameters = { kind: 'dense', epochs: 10, ...training, learningRate: 1e-2, dense: [16], dropout: 0.25, ...own };
  return { architecture: denseNetwork.architecture, parameters };
}

/** A small network that reads images and vectors, with the given parameters. */
export function twoBranchSpec(own: Partial<TrainingParameters & TwoBranchShape> = {}): NetworkSpec {
  const parameters = {
    ...{ kind: 'two-branch', epochs: 10, ...training, learningRate: 1e-3, dropout: 0.25 },
    ...{ filters: [4, 8, 8], imageDense: [8], vectorDense: [8], dense: [8], ...own },
  };
  return { architecture: twoBranch.architecture, parameters };
}
