import type { z } from 'zod';
import type { AnyArchitecture } from './architecture.js';

/** A file that keras.applications publishes. */
export interface PublishedWeights {
  name: string;
  /** Absent where Keras's source states none */
  md5?: string;
}

/**
 * Everything that cryfold needs to know about one kind of network. A new one is one file that exports this object and one
 * line in registry.ts; its estimator, with schema, keys, cost, freezing and prediction, follows from it.
 */
export interface NetworkDefinition<
  Kind extends string = string,
  Own extends z.ZodRawShape = z.ZodRawShape,
  // biome-ignore lint/suspicious/noExplicitAny: in a list, networks of different parameters stand side by side
  Parameters = any,
> {
  /** What a spec calls it */
  kind: Kind;
  /** Its parameters beside those of every network's training, or instead of the one of the same name */
  parameters: Own;
  /** Default number of epochs */
  epochs: number;
  architecture: AnyArchitecture;
  /** Work of one clip in one epoch, as a share of that with default parameters; default 1 */
  work?(parameters: Parameters): number;
  /** What it reads; default: images */
  reads?: 'images' | 'vectors';
  /** Whether it reads vectors besides, of the feature set that its parameter `vectors` names */
  readsVectors?: boolean;
  /** CPU seconds of one image of 60 x 90 pixels, or of one vector, in one epoch: docs/models.md */
  typicalSeconds?: number;
  /** Pixels that height and width must have at least; default 1 */
  smallestImage?: number;
  /** Undefined where nobody publishes weights that it could start from */
  published?: PublishedWeights;
  /** What tells its features of a frozen backbone from those of other networks with the same weights */
  embeddingsOf?: string;
}
