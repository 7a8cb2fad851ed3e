import type { Layer } from '../layers/layer.js';
import type { Output } from './output.js';

/** By what name layers take the second input. */
export const VECTORS = 'vectors';

/**
 * A network: layers in order, each taking the output of the one before it unless it names others with `from`.
 * The first takes the input; the last gives the logits (the softmax belongs to the loss and to prediction), unless
 * `output` says otherwise.
 */
export interface Model {
  name: string;
  /** One example: height, width, channels of an image with 0-255, or the length of a feature vector. */
  inputShape: readonly number[];
  /** Of a network that reads vectors beside images: their length. A layer takes them by `from: [VECTORS]`. */
  vectors?: number;
  layers: readonly Layer[];
  /** What the last layer gives; default: logits */
  output?: Output;
}
