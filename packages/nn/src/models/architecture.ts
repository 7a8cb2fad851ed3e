import type { Augmentation } from '../augment/augmentation.js';
import type { Balance } from '../augment/balance.js';
import type { Layer } from '../layers/layer.js';
import type { Model } from './model.js';

/** Training parameters of all networks, whatever their layers. */
export interface TrainingParameters {
  /** Name of the network in messages */
  kind: string;
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimizer: 'adam' | 'adamw' | 'sgd';
  /** Type of convolutions and activations; weights, statistics, loss and optimiser stay in float32. */
  precision: 'float32' | 'bfloat16' | 'float16';
  /** `balanced` scales each loss inversely to its class's share of the training clips. */
  classWeight: 'none' | 'balanced';
  /** How to handle classes of unequal size; default: not at all */
  balance?: Balance | undefined;
  /** How the training images are changed; default not at all */
  augment?: Augmentation | undefined;
  /** For a network with a backbone: `random`, or the source of its pretrained weights */
  weights?: string;
  /** For a network with a backbone: which layers are trained */
  backbone?: 'full' | 'frozen' | { from: string };
}

export interface ImageSize {
  height: number;
  width: number;
}

/** Numbers in each vector */
export interface VectorSize {
  columns: number;
}

/** The part of a network that can be pretrained and frozen. */
export interface Backbone<P> {
  /**
   * Layers from an image to a vector of `length` features, whose weights come from a file; the head starts after the
   * last one.
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
  /** Whether TensorFlow.js lacks some of its layers, so that only cryfold can load a trained model */
  ownLayers?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: architectures of different parameters stand side by side
export type AnyArchitecture = Architecture<any, any>;

/** A network to train: its layers and its parameters, which must match the architecture. */
export interface NetworkSpec<P extends TrainingParameters = TrainingParameters> {
  architecture: AnyArchitecture;
  parameters: P;
}
