import { activation } from '../layers/activation.js';
import { add } from '../layers/add.js';
import { batchNormalization } from '../layers/batch-normalization.js';
import { conv2D } from '../layers/conv2d.js';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import type { Layer } from '../layers/layer.js';
import { globalAveragePooling2D, maxPooling2D } from '../layers/pooling.js';
import { caffePreprocessing } from '../layers/preprocessing.js';
import { zeroPadding2D } from '../layers/zero-padding2d.js';
import type { Architecture, ImageSize } from './architecture.js';
import type { Model } from './model.js';
import { numbered } from './small-cnn.js';

export interface HeadShape {
  dropout: number;
  dense: readonly number[];
}

const EPSILON = 1.001e-5;

/** [filters, blocks, stride of the first block] of the four stages: He et al. (2015), table 1. */
const STAGES = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
] as const;

/**
 * Keras's ResNet50 without its top (keras.applications, stride on a block's first 1x1 convolution), under Keras's layer
 * names. Convolutions carry no bias: each is followed by a BatchNormalization, which cancels it.
 */
export function resnet50Backbone(): Layer[] {
  return [
    zeroPadding2D('conv1_pad', 3),
    conv2D('conv1_conv', { filters: 64, size: 7, stride: 2, bias: false }),
    batchNormalization('conv1_bn', EPSILON),
    activation('conv1_relu', 'relu'),
    zeroPadding2D('pool1_pad', 1),
    maxPooling2D('pool1_pool', 3, 2),
    ...STAGES.flatMap(([filters, blocks, stride], stage) =>
      Array.from({ length: blocks }, (_, block) => {
        const name = (index: number) => `conv${stage + 2}_block${index}`;
        const input = block > 0 ? `${name(block)}_out` : stage > 0 ? lastOf(stage - 1) : 'pool1_pool';
        return residualBlock(name(block + 1), input, filters, block === 0 ? stride : undefined);
      }).flat(),
    ),
  ];
}

function lastOf(stage: number): string {
  return `conv${stage + 2}_block${STAGES[stage][1]}_out`;
}

/** A convolution with a square kernel. */
interface Convolution {
  /** The layer that it reads; the previous one if absent */
  from?: string;
  /** Height and width of the kernel */
  size: number;
  filters: number;
  stride: number;
}

/** @param stride of a stage's first block, whose shortcut is a convolution; undefined where it is the identity */
function residualBlock(name: string, input: string, filters: number, stride: number | undefined): Layer[] {
  const normalized = (part: number, { from, ...shape }: Convolution): Layer[] => [
    {
      ...conv2D(`${name}_${part}_conv`, { ...shape, padding: 'SAME', bias: false }),
      ...(from === undefined ? {} : { from: [from] }),
    },
    batchNormalization(`${name}_${part}_bn`, EPSILON),
  ];
  return [
    ...(stride === undefined ? [] : normalized(0, { from: input, size: 1, filters: 4 * filters, stride })),
    ...normalized(1, { from: input, size: 1, filters, stride: stride ?? 1 }),
    activation(`${name}_1_relu`, 'relu'),
    ...normalized(2, { size: 3, filters, stride: 1 }),
    activation(`${name}_2_relu`, 'relu'),
    ...normalized(3, { size: 1, filters: 4 * filters, stride: 1 }),
    add(`${name}_add`, [stride === undefined ? input : `${name}_0_bn`, `${name}_3_bn`]),
    activation(`${name}_out`, 'relu'),
  ];
}

/** Dropout and dense layers on pooled features, the last one giving the logits. The paper leaves their sizes open. */
export function resnet50Head(classes: number, shape: HeadShape): Layer[] {
  return [
    dropout('dropout', shape.dropout),
    ...shape.dense.map((units, i) => dense(numbered('dense', i), units, 'relu')),
    dense(numbered('dense', shape.dense.length), classes),
  ];
}

/** Images to pooled features: preprocessing, backbone, global average pooling. [height, width, 3] to [2048]. */
export function resnet50Features(): Layer[] {
  return [caffePreprocessing('preprocess_input'), ...resnet50Backbone(), globalAveragePooling2D('avg_pool')];
}

/**
 * The paper's TL_ResNet50 as far as it is described: ResNet50, global average pooling, dropout, dense head. Pixels go through Keras's
 * preprocess_input, also with random weights: the BatchNormalization after the first convolution makes the scale
 * irrelevant, and centred pixels train better than positive ones.
 */
export function resnet50(image: ImageSize, classes: number, head: HeadShape): Model {
  return {
    name: 'tl-resnet50',
    inputShape: [image.height, image.width, 3],
    layers: [...resnet50Features(), ...resnet50Head(classes, head)],
  };
}

export const resnet50Architecture: Architecture<HeadShape> = {
  build: resnet50,
  backbone: { features: resnet50Features, length: 2048, pretrained: resnet50Backbone, head: resnet50Head },
};
