import type { Random } from '@cryfold/core';
import type { Value } from '../graph/graph.js';

/** Fills in the initial values of a weight; `random` is the weight's own generator. */
export type Initializer = (shape: readonly number[], random: Random) => Float32Array;

/** Context in which a layer is built. */
export interface LayerContext {
  /**
   * True in the forward pass of a training step, which uses batch statistics and dropout. False if the layer is frozen.
   */
  readonly training: boolean;
  /**
   * Returns the weight `layer/name`, creating it at first use. The weight has the type in which the layer computes,
   * unless `float32` is requested.
   */
  weight(name: string, shape: readonly number[], initializer: Initializer, options?: WeightOptions): Value;
  /** In training, moves the weight to `momentum * weight + (1 - momentum) * value` when the step ends. */
  track(name: string, value: Value): void;
  /** A seed for this layer and this step: int32 [2]. */
  seed(): Value;
}

export interface WeightOptions {
  /** False for moving statistics, which optimisers do not update. */
  trainable?: boolean;
  /** Whether the weight stays in float32 even if the layer computes with reduced precision. */
  float32?: boolean;
}

/** A named layer of a model. Its names and behaviour match Keras. */
export interface Layer {
  /** Keras's class name. */
  readonly kind: string;
  readonly name: string;
  /** Keras's configuration of the layer (`get_config`), from which other programs build the layer. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The values of constants in `apply` that other programs store as weights of the layer, by name. */
  readonly constants?: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>;
  /** Names of the layers whose outputs this layer reads; default: the previous layer in the list */
  readonly from?: readonly string[];
  /**
   * For a convolution that has a bias in Keras but not here, because the following BatchNormalization absorbs it: its
   * number of filters.
   */
  readonly foldedBias?: number;
  /** Whether the layer always computes in float32. */
  readonly float32?: boolean;
  apply(context: LayerContext, inputs: readonly Value[]): Value;
}

export type Activation = 'relu' | 'linear' | 'sigmoid' | 'swish';
