import type { z } from 'zod';
import type { AnyArchitecture } from './architecture.js';

/** A file published by keras.applications. */
export interface PublishedWeights {
  name: string;
  /** Absent if Keras's source does not state it */
  md5?: string;
}

/**
 * The complete definition of one kind of network. A new one is one file that exports this object and one line in
 * registry.ts; its estimator, with schema, keys, cost, freezing and prediction, is derived from it.
 */
export interface NetworkDefinition<
  Kind extends string = string,
  Own extends z.ZodRawShape = z.ZodRawShape,
  // biome-ignore lint/suspicious/noExplicitAny: in a list, networks of different parameters stand side by side
  Parameters = any,
> {
  /** Name in specs */
  kind: Kind;
  /** Parameters in addition to the training parameters of all networks, or replacing those of the same name */
  parameters: Own;
  /** Default number of epochs */
  epochs: number;
  architecture: AnyArchitecture;
  /** Work per clip and epoch, relative to default parameters; default 1 */
  work?(parameters: Parameters): number;
  /** Input; default: images */
  reads?: 'images' | 'vectors';
  /** Whether it also reads vectors, of the feature set named by its parameter `vectors` */
  readsVectors?: boolean;
  /** CPU seconds of one image of 60 x 90 pixels, or of one vector, in one epoch: docs/models.md */
  typicalSeconds?: number;
  /** Minimum height and width in pixels; default 1 */
  smallestImage?: number;
  /** Undefined if there are no published weights to start from */
  published?: PublishedWeights;
  /** Distinguishes its features of a frozen backbone from those of other networks with the same weights */
  embeddingsOf?: string;
}
