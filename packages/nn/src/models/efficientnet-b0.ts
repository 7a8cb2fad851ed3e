import { activation } from '../layers/activation.js';
import { add } from '../layers/add.js';
import { batchNormalization } from '../layers/batch-normalization.js';
import { type Conv2DOptions, conv2D } from '../layers/conv2d.js';
import { depthwiseConv2D } from '../layers/depthwise-conv2d.js';
import { imageDropout } from '../layers/dropout.js';
import { heNormal } from '../layers/initializers.js';
import type { Layer } from '../layers/layer.js';
import { globalAveragePooling2D } from '../layers/pooling.js';
import { standardization } from '../layers/preprocessing.js';
import { asPixel, excite } from '../layers/squeeze-excite.js';
import { transferNetwork } from './transfer.js';

const EPSILON = 1e-3;

/** [kernel size, blocks, filters, expansion factor, stride of the first block]: Tan and Le (2019), table 1. */
const GROUPS = [
  [3, 1, 16, 1, 1],
  [3, 2, 24, 6, 2],
  [5, 2, 40, 6, 2],
  [3, 3, 80, 6, 2],
  [5, 3, 112, 6, 1],
  [5, 4, 192, 6, 2],
  [3, 1, 320, 6, 1],
] as const;

const BLOCKS = 16;
/** Number of filters of the squeeze layer, relative to the block's input */
const SQUEEZE = 0.25;

/**
 * Mean and standard deviation of ImageNet's RGB values, scaled to 0-1. Together, they have the same effect as the
 * Normalization and Rescaling layers of Keras with the published weights.
 */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/**
 * Keras's EfficientNetB0 without its top, with Keras's layer names. Keras's zero padding before a convolution of stride
 * 2 is equivalent to `SAME` for any height and width, so no padding layers are needed.
 * @param dropConnect probability that training skips the last block; it is proportionally smaller for earlier blocks
 */
export function efficientNetB0Features(dropConnect = 0.2): Layer[] {
  const layers = [
    standardization('preprocess_input', MEAN, DEVIATION),
    ...normalized('stem_conv', 'stem_bn', { filters: 32, size: 3, stride: 2 }),
    activation('stem_activation', 'swish'),
  ];
  let [block, channels] = [0, 32];
  for (const [group, [size, count, filters, factor, first]] of GROUPS.entries()) {
    for (let index = 0; index < count; index++) {
      const name = `block${group + 1}${'abcd'[index]}_`;
      const drop = (dropConnect * block++) / BLOCKS;
      const stride = index === 0 ? first : 1;
      layers.push(...mobileBlock(name, { input: layers.at(-1)!.name, channels, size, filters, factor, stride, drop }));
      channels = filters;
    }
  }
  return [
    ...layers,
    ...normalized('top_conv', 'top_bn', { filters: 1280, size: 1 }),
    activation('top_activation', 'swish'),
    globalAveragePooling2D('avg_pool'),
  ];
}

const convolution = (name: string, options: Conv2DOptions): Layer =>
  conv2D(name, { padding: 'SAME', initializer: heNormal, ...options });

function normalized(name: string, normalization: string, options: Conv2DOptions): Layer[] {
  return [convolution(name, { bias: false, ...options }), batchNormalization(normalization, EPSILON)];
}

interface BlockShape {
  input: string;
  /** Number of input channels */
  channels: number;
  /** Size of the depthwise kernel */
  size: number;
  filters: number;
  factor: number;
  stride: number;
  /** Probability that training skips the block */
  drop: number;
}

/** An inverted residual block with squeeze and excitation. */
function mobileBlock(name: string, shape: BlockShape): Layer[] {
  const { input, channels, size, filters, factor, stride, drop } = shape;
  const wide = factor * channels;
  const expansion = [
    ...normalized(`${name}expand_conv`, `${name}expand_bn`, { filters: wide, size: 1 }),
    activation(`${name}expand_activation`, 'swish'),
  ];
  const residual = [
    ...(drop > 0 ? [imageDropout(`${name}drop`, drop)] : []),
    add(`${name}add`, [drop > 0 ? `${name}drop` : `${name}project_bn`, input]),
  ];
  return [
    ...(factor === 1 ? [] : expansion),
    depthwiseConv2D(`${name}dwconv`, { size, stride, initializer: heNormal }),
    batchNormalization(`${name}bn`, EPSILON),
    activation(`${name}activation`, 'swish'),
    globalAveragePooling2D(`${name}se_squeeze`),
    asPixel(`${name}se_reshape`, wide),
    convolution(`${name}se_reduce`, { filters: Math.floor(SQUEEZE * channels), size: 1, activation: 'swish' }),
    convolution(`${name}se_expand`, { filters: wide, size: 1, activation: 'sigmoid' }),
    excite(`${name}se_excite`, [`${name}activation`, `${name}se_expand`]),
    ...normalized(`${name}project_conv`, `${name}project_bn`, { filters, size: 1 }),
    ...(channels === filters && stride === 1 ? residual : []),
  ];
}

/** EfficientNetB0: Tan and Le (2019). */
export const efficientNetB0 = transferNetwork({
  kind: 'efficientnet-b0',
  epochs: 3,
  features: efficientNetB0Features,
  length: 1280,
  typicalSeconds: 1 / 84,
  published: { name: 'efficientnetb0_notop.h5', md5: '50bc09e76180e00e4465e1a485ddc09d' },
});
