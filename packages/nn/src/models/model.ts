import type { Layer } from '../layers/layer.js';
import type { Output } from './output.js';

/** The name by which layers take the second input. */
export const VECTORS = 'vectors';

/**
 * A network: layers in order, each taking the output of the previous one unless it names others with `from`. The first
 * takes the input; the last produces the logits (softmax belongs to the loss and to prediction), unless `output`
 * defines otherwise.
 */
export interface Model {
  name: string;
  /** One example: height, width, channels of an image with 0-255, or the length of a feature vector. */
  inputShape: readonly number[];
  /** For a network that reads vectors next to images: their length. A layer takes them by `from: [VECTORS]`. */
  vectors?: number;
  layers: readonly Layer[];
  /** Output of the last layer; default: logits */
  output?: Output;
}
