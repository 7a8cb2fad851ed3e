import type { Layer } from '../layers/layer.js';
import type { Output } from './output.js';

/**
 * A network: layers in order, each taking the output of the one before it unless it names others with `from`.
 * The first takes the input; the last gives the logits (the softmax belongs to the loss and to prediction), unless
 * `output` says otherwise.
 */
export interface Model {
  name: string;
  /** One example: height, width, channels of an image with 0-255, or the length of a feature vector. */
  inputShape: readonly number[];
  layers: readonly Layer[];
  /** What the last layer gives; default: logits */
  output?: Output;
}
