import { activation } from '../layers/activation.js';
import { add } from '../layers/add.js';
import { batchNormalization } from '../layers/batch-normalization.js';
import { conv2D } from '../layers/conv2d.js';
import type { Layer } from '../layers/layer.js';
import { globalAveragePooling2D, maxPooling2D } from '../layers/pooling.js';
import { caffePreprocessing } from '../layers/preprocessing.js';
import { zeroPadding2D } from '../layers/zero-padding2d.js';

const EPSILON = 1.001e-5;

/** Filters of the four stages: He et al. (2015), table 1. Each stage except the first halves height and width. */
const STAGES = [64, 128, 256, 512];

/**
 * Either two 3x3 convolutions, as in ResNet18 and 34, or a 3x3 convolution between two 1x1 convolutions, the last of
 * which has four times as many filters.
 */
export type ResidualBlock = 'basic' | 'bottleneck';

/**
 * A residual network without its top, as built by keras.applications for ResNet50, 101 and 152 (stride on a block's
 * first convolution) and with the same layer names. Keras has no basic blocks; their names here follow the same scheme.
 * Convolutions have no bias, because the BatchNormalization after each of them would cancel it.
 * @param blocks number of blocks in each of the four stages
 */
export function residualBackbone(block: ResidualBlock, blocks: readonly number[]): Layer[] {
  const nameOf = (stage: number, index: number) => `conv${stage + 2}_block${index}`;
  return [
    zeroPadding2D('conv1_pad', 3),
    conv2D('conv1_conv', { filters: 64, size: 7, stride: 2, bias: 'folded' }),
    batchNormalization('conv1_bn', EPSILON),
    activation('conv1_relu', 'relu'),
    zeroPadding2D('pool1_pad', 1),
    maxPooling2D('pool1_pool', 3, 2),
    ...STAGES.flatMap((filters, stage) =>
      Array.from({ length: blocks[stage] }, (_, index) => {
        const before = stage > 0 ? `${nameOf(stage - 1, blocks[stage - 1])}_out` : 'pool1_pool';
        const input = index > 0 ? `${nameOf(stage, index)}_out` : before;
        const stride = index === 0 && stage > 0 ? 2 : 1;
        // In the first stage, the input of a basic block already has the right number of channels.
        const projected = index === 0 && (stage > 0 || block === 'bottleneck');
        return residualBlock(block, nameOf(stage, index + 1), { input, filters, stride, projected });
      }).flat(),
    ),
  ];
}

/** Maps images to pooled features: preprocessing, backbone, global average pooling. */
export function residualFeatures(block: ResidualBlock, blocks: readonly number[]): Layer[] {
  return [
    caffePreprocessing('preprocess_input'),
    ...residualBackbone(block, blocks),
    globalAveragePooling2D('avg_pool'),
  ];
}

interface BlockShape {
  /** Name of the layer that the block reads */
  input: string;
  filters: number;
  /** Stride of the block's first convolution */
  stride: number;
  /** Whether the block's shortcut is a convolution rather than the identity */
  projected: boolean;
}

/** A convolution with a square kernel. */
interface Convolution {
  /** Name of the layer that the convolution reads; default: the previous layer */
  from?: string;
  /** Height and width of the kernel */
  size: number;
  filters: number;
  stride?: number;
}

function residualBlock(block: ResidualBlock, name: string, shape: BlockShape): Layer[] {
  const { input, filters, stride, projected } = shape;
  const normalized = (part: number, { from, ...own }: Convolution): Layer[] => [
    {
      ...conv2D(`${name}_${part}_conv`, { ...own, padding: 'SAME', bias: 'folded' }),
      ...(from === undefined ? {} : { from: [from] }),
    },
    batchNormalization(`${name}_${part}_bn`, EPSILON),
  ];
  const bottleneck = block === 'bottleneck';
  const wide = bottleneck ? 4 * filters : filters;
  const parts: Convolution[] = bottleneck
    ? [
        { from: input, size: 1, filters, stride },
        { size: 3, filters },
        { size: 1, filters: wide },
      ]
    : [
        { from: input, size: 3, filters, stride },
        { size: 3, filters },
      ];
  const last = parts.length;
  return [
    ...(projected ? normalized(0, { from: input, size: 1, filters: wide, stride }) : []),
    ...parts.flatMap((own, i) => [
      ...normalized(i + 1, own),
      ...(i + 1 < last ? [activation(`${name}_${i + 1}_relu`, 'relu')] : []),
    ]),
    add(`${name}_add`, [projected ? `${name}_0_bn` : input, `${name}_${last}_bn`]),
    activation(`${name}_out`, 'relu'),
  ];
}
