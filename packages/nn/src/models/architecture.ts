import type { Augmentation } from '../augment/augmentation.js';
import type { Balance } from '../augment/balance.js';
import type { Layer } from '../layers/layer.js';
import type { Model } from './model.js';

/** How a network is trained, whatever its layers are. */
export interface TrainingParameters {
  /** What messages call the network */
  kind: string;
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimizer: 'adam' | 'adamw' | 'sgd';
  /** What convolutions and activations compute in; weights, statistics, loss and optimiser stay in float32. */
  precision: 'float32' | 'bfloat16' | 'float16';
  /** `balanced` scales each loss inversely to its class's share of the training clips. */
  classWeight: 'none' | 'balanced';
  /** What is done about classes of unequal size; default nothing */
  balance?: Balance | undefined;
  /** How the training images are changed; default not at all */
  augment?: Augmentation | undefined;
  /** Of a network with a backbone: `random`, or where its pretrained weights come from */
  weights?: string;
  /** Of a network with a backbone: which layers are trained */
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

/** The part of a network that pretrained weights exist for, and that can be frozen. */
export interface Backbone<P> {
  /** Layers from an image to a vector of `length` features, whose weights a file holds; the head begins after the last. */
  features(): Layer[];
  length: number;
  /** Layers from the features to the logits. */
  head(classes: number, parameters: P): Layer[];
}

/** The layers of one kind of network, as a function of its parameters. */
export interface Architecture<P = never, Input = ImageSize> {
  /** The whole network to logits, from images [height, width, 3] of 0 to 255, or from vectors. */
  build(input: Input, classes: number, parameters: P): Model;
  backbone?: Backbone<P>;
  /** Whether TensorFlow.js lacks some of its layers, so that only cryfold can load a trained one */
  ownLayers?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: architectures of different parameters stand side by side
export type AnyArchitecture = Architecture<any, any>;

/** A network to train: its layers and its parameters, which must be those that the architecture takes. */
export interface NetworkSpec<P extends TrainingParameters = TrainingParameters> {
  architecture: AnyArchitecture;
  parameters: P;
}
