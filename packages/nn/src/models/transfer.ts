import { stepsOf } from '../augment/augmentation.js';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import type { Layer } from '../layers/layer.js';
import type { Architecture, TrainingParameters } from './architecture.js';
import type { NetworkDefinition } from './definition.js';
import { numbered } from './numbered.js';
import { transferParameters } from './parameters.js';

export interface HeadShape {
  dropout: number;
  dense: readonly number[];
}

/** The properties in which networks with a backbone differ. */
export interface Transfer<Kind extends string>
  extends Pick<NetworkDefinition<Kind>, 'kind' | 'epochs' | 'typicalSeconds' | 'smallestImage' | 'published'> {
  /**
   * Layers from an image [height, width, 3] with values from 0 to 255 to a vector of features, including preprocessing.
   */
  features(): Layer[];
  /** Length of the vector */
  length: number;
}

/**
 * A backbone followed by a head of dropout and dense layers. The backbone is trained completely, partly, or not at all.
 */
export function transferNetwork<const Kind extends string>(network: Transfer<Kind>) {
  const { features, length, ...definition } = network;
  return {
    ...definition,
    parameters: transferParameters,
    architecture: transferArchitecture(network.kind, features, length),
    work: workOf,
    embeddingsOf: network.kind,
  } satisfies NetworkDefinition<Kind, typeof transferParameters>;
}

/**
 * Whether a frozen backbone sees the same images in every epoch, so that its features need to be computed only once.
 */
export function isComputedOnce({ backbone, augment }: TrainingParameters): boolean {
  return backbone === 'frozen' && !stepsOf(augment).any;
}

/**
 * Returns the amount of work relative to training all layers. If the features of a frozen backbone are stored, only the
 * head remains to be trained. On images, the forward pass takes a third of the time of a step; the forward pass and the
 * gradients of the inputs together take about half of it.
 */
function workOf(own: TrainingParameters): number {
  if (isComputedOnce(own)) return 0.001;
  return own.backbone === 'full' ? 1 : own.backbone === 'frozen' ? 0.33 : 0.6;
}

/** @param name name under which the model is stored */
export function transferArchitecture(name: string, features: () => Layer[], length: number): Architecture<HeadShape> {
  return {
    build: ({ height, width }, classes, shape) => ({
      name,
      inputShape: [height, width, 3],
      layers: [...features(), ...head(classes, shape)],
    }),
    backbone: { features, length, head },
  };
}

/**
 * Dropout and dense layers on pooled features; the last layer produces the logits. The paper does not specify their
 * sizes.
 */
function head(classes: number, shape: HeadShape): Layer[] {
  return [
    dropout('dropout', shape.dropout),
    ...shape.dense.map((units, i) => dense(numbered('dense', i), units, 'relu')),
    dense(numbered('dense', shape.dense.length), classes),
  ];
}
