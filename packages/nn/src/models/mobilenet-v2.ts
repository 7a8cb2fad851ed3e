import { clippedRelu } from '../layers/activation.js';
import { add } from '../layers/add.js';
import { batchNormalization } from '../layers/batch-normalization.js';
import { conv2D } from '../layers/conv2d.js';
import { depthwiseConv2D } from '../layers/depthwise-conv2d.js';
import type { Layer } from '../layers/layer.js';
import { globalAveragePooling2D } from '../layers/pooling.js';
import { rescaling } from '../layers/preprocessing.js';
import { transferNetwork } from './transfer.js';

const EPSILON = 1e-3;

/** [expansion factor, filters, blocks, stride of the first block]: Sandler et al. (2018), table 2. */
const GROUPS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * Keras's MobileNetV2 of width 1 without its top, with Keras's layer names. Keras's zero padding before a convolution
 * of stride 2 is equivalent to `SAME` for any height and width, so no padding layers are needed.
 */
function mobileNetV2Features(): Layer[] {
  const layers = [
    rescaling('preprocess_input', 1 / 127.5, -1),
    ...normalized('Conv1', 'bn_Conv1', { filters: 32, size: 3, stride: 2 }),
    clippedRelu('Conv1_relu'),
  ];
  let [block, channels] = [0, 32];
  for (const [factor, filters, count, first] of GROUPS) {
    for (let index = 0; index < count; index++) {
      const stride = index === 0 ? first : 1;
      layers.push(...invertedResidual(block++, { input: layers.at(-1)!.name, channels, factor, filters, stride }));
      channels = filters;
    }
  }
  return [
    ...layers,
    ...normalized('Conv_1', 'Conv_1_bn', { filters: 1280, size: 1 }),
    clippedRelu('out_relu'),
    globalAveragePooling2D('global_average_pooling2d'),
  ];
}

function normalized(
  name: string,
  normalization: string,
  shape: { filters: number; size: number; stride?: number },
): Layer[] {
  return [conv2D(name, { ...shape, padding: 'SAME', bias: false }), batchNormalization(normalization, EPSILON)];
}

interface BlockShape {
  input: string;
  /** Number of input channels */
  channels: number;
  factor: number;
  filters: number;
  stride: number;
}

function invertedResidual(block: number, { input, channels, factor, filters, stride }: BlockShape): Layer[] {
  const prefix = block === 0 ? 'expanded_conv' : `block_${block}`;
  const expansion = [
    ...normalized(`${prefix}_expand`, `${prefix}_expand_BN`, { filters: factor * channels, size: 1 }),
    clippedRelu(`${prefix}_expand_relu`),
  ];
  return [
    ...(block === 0 ? [] : expansion),
    depthwiseConv2D(`${prefix}_depthwise`, { size: 3, stride }),
    batchNormalization(`${prefix}_depthwise_BN`, EPSILON),
    clippedRelu(`${prefix}_depthwise_relu`),
    ...normalized(`${prefix}_project`, `${prefix}_project_BN`, { filters, size: 1 }),
    ...(channels === filters && stride === 1 ? [add(`${prefix}_add`, [input, `${prefix}_project_BN`])] : []),
  ];
}

/** MobileNetV2: Sandler et al. (2018). Keras's source does not state a hash of its weights. */
export const mobileNetV2 = transferNetwork({
  kind: 'mobilenet-v2',
  epochs: 3,
  features: mobileNetV2Features,
  length: 1280,
  typicalSeconds: 1 / 158,
  published: { name: 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5' },
});
