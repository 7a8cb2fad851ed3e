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

/** Differences between networks with a backbone. */
export interface Transfer<Kind extends string>
  extends Pick<NetworkDefinition<Kind>, 'kind' | 'epochs' | 'typicalSeconds' | 'smallestImage' | 'published'> {
  /** Layers from an image [height, width, 3] of 0 to 255 to a vector of features, including preprocessing. */
  features(): Layer[];
  /** Length of the vector */
  length: number;
}

/**
 * A backbone under a head of dropout and dense layers: trained completely, in part, or only the head on its features.
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

/** Whether a frozen backbone sees the same images in every epoch, so that its features are computed once. */
export function isComputedOnce({ backbone, augment }: TrainingParameters): boolean {
  return backbone === 'frozen' && !stepsOf(augment).any;
}

/**
 * With stored features of a frozen backbone, only the head remains; on images, the forward pass is a third of a step.
 * About half of a step is forward and input gradient.
 */
function workOf(own: TrainingParameters): number {
  if (isComputedOnce(own)) return 0.001;
  return own.backbone === 'full' ? 1 : own.backbone === 'frozen' ? 0.33 : 0.6;
}

/** @param name of the model, which is stored with it */
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
 * Dropout and dense layers on pooled features, the last one producing the logits. The paper does not specify their
 * sizes.
 */
function head(classes: number, shape: HeadShape): Layer[] {
  return [
    dropout('dropout', shape.dropout),
    ...shape.dense.map((units, i) => dense(numbered('dense', i), units, 'relu')),
    dense(numbered('dense', shape.dense.length), classes),
  ];
}
