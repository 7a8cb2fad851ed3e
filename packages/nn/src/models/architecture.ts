import type { Augmentation } from '../augment/augmentation.js';
import type { Balance } from '../augment/balance.js';
import type { Layer } from '../layers/layer.js';
import type { Model } from './model.js';

/** Training parameters that all networks have, regardless of their layers. */
export interface TrainingParameters {
  /** Name of the network in messages */
  kind: string;
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimizer: 'adam' | 'adamw' | 'sgd';
  /** Type of convolutions and activations. Weights, statistics, loss and optimiser stay in float32. */
  precision: 'float32' | 'bfloat16' | 'float16';
  /** `balanced` scales the loss of each class inversely to its share of the training clips. */
  classWeight: 'none' | 'balanced';
  /** How to compensate for classes of unequal size; default: not at all */
  balance?: Balance | undefined;
  /** How the training images are changed; default: not at all */
  augment?: Augmentation | undefined;
  /** For a network with a backbone: `random`, or where the pretrained weights come from */
  weights?: string;
  /** For a network with a backbone: which layers are trained */
  backbone?: 'full' | 'frozen' | { from: string };
}

export interface ImageSize {
  height: number;
  width: number;
}

/** Length of each vector */
export interface VectorSize {
  columns: number;
}

/** The part of a network that can be pretrained and frozen. */
export interface Backbone<P> {
  /**
   * Layers from an image to a vector of `length` features, whose weights come from a file. The head starts after the
   * last of these layers.
   */
  features(): Layer[];
  length: number;
  /** Layers from the features to the logits. */
  head(classes: number, parameters: P): Layer[];
}

/** The layers of one kind of network, as a function of its parameters. */
export interface Architecture<P = never, Input = ImageSize> {
  /** The whole network up to logits, from images [height, width, 3] of 0 to 255, or from vectors. */
  build(input: Input, classes: number, parameters: P): Model;
  backbone?: Backbone<P>;
  /** Whether TensorFlow.js lacks some of the network's layers, so that only cryfold can load a trained model */
  ownLayers?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a list contains architectures with different parameters
export type AnyArchitecture = Architecture<any, any>;

/** A network to train: an architecture and matching parameters. */
export interface NetworkSpec<P extends TrainingParameters = TrainingParameters> {
  architecture: AnyArchitecture;
  parameters: P;
}
