import type { Layer } from '../layers/layer.js';
import type { Output } from './output.js';

/** The name by which layers refer to the second input. */
export const VECTORS = 'vectors';

/**
 * A network as a list of layers. Each layer takes the output of the previous one, unless its `from` lists other layers.
 * The first layer takes the input. The last one produces the logits (the loss and the prediction apply the softmax),
 * unless `output` defines something else.
 */
export interface Model {
  name: string;
  /**
   * Shape of one example: height, width and channels of an image with values from 0 to 255, or the length of a feature
   * vector.
   */
  inputShape: readonly number[];
  /**
   * For a network that reads vectors in addition to images: the length of the vectors. A layer reads them if it has
   * `from: [VECTORS]`.
   */
  vectors?: number;
  layers: readonly Layer[];
  /** Meaning of the last layer's output; default: logits */
  output?: Output;
}
