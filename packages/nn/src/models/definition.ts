import type { z } from 'zod';
import type { AnyArchitecture } from './architecture.js';

/** A file published by keras.applications. */
export interface PublishedWeights {
  name: string;
  /** Absent if Keras's source does not state it */
  md5?: string;
}

/**
 * The complete definition of one kind of network. To add a network, write a file that exports this object and add a
 * line to registry.ts. The estimator with its schema, keys, cost, freezing and prediction is derived from it.
 */
export interface NetworkDefinition<
  Kind extends string = string,
  Own extends z.ZodRawShape = z.ZodRawShape,
  // biome-ignore lint/suspicious/noExplicitAny: a list contains networks with different parameters
  Parameters = any,
> {
  /** Name in specs */
  kind: Kind;
  /** Parameters in addition to the training parameters of all networks, or in place of parameters with the same name */
  parameters: Own;
  /** Default number of epochs */
  epochs: number;
  architecture: AnyArchitecture;
  /** Work per clip and epoch, relative to the default parameters; default 1 */
  work?(parameters: Parameters): number;
  /** Kind of input; default: images */
  reads?: 'images' | 'vectors';
  /** Whether the network also reads vectors, from the feature set that its parameter `vectors` specifies */
  readsVectors?: boolean;
  /** CPU seconds per epoch for one image of 60 x 90 pixels, or for one vector (see docs/models.md) */
  typicalSeconds?: number;
  /** Minimum height and width in pixels; default 1 */
  smallestImage?: number;
  /** Undefined if there are no published weights to start from */
  published?: PublishedWeights;
  /**
   * Distinguishes the features that this network's frozen backbone computes from the features of other networks with
   * the same weights
   */
  embeddingsOf?: string;
}
