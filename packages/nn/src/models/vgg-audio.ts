import { conv2D } from '../layers/conv2d.js';
import type { Layer } from '../layers/layer.js';
import { globalAveragePooling2D, maxPooling2D } from '../layers/pooling.js';
import { rescaling } from '../layers/preprocessing.js';
import { transferNetwork } from './transfer.js';

/** Filters of the convolutions in each group; a group ends in a max-pooling. */
const GROUPS = [[64], [128], [256, 256], [512, 512]];

/**
 * The convolutions of VGGish, with its layer names: Hershey et al. (2017), "CNN architectures for large-scale audio
 * classification". Here, their input is an image of any size with three channels, instead of 96 x 64 log-mel values.
 * The number of weights in VGGish's dense layers, 54 million, would depend on the size, so a global average replaces
 * these layers.
 */
function vggAudioFeatures(): Layer[] {
  const groups = GROUPS.flatMap((convolutions, group): Layer[] => [
    ...convolutions.map((filters, i) => {
      const name = convolutions.length === 1 ? `conv${group + 1}` : `conv${group + 1}_${i + 1}`;
      return conv2D(name, { filters, size: 3, padding: 'SAME', activation: 'relu' });
    }),
    maxPooling2D(`pool${group + 1}`, 2),
  ]);
  return [rescaling('rescaling', 1 / 127.5, -1), ...groups, globalAveragePooling2D('avg_pool')];
}

export const vggAudio = transferNetwork({
  kind: 'vgg-audio',
  epochs: 10,
  features: vggAudioFeatures,
  length: 512,
  typicalSeconds: 1 / 40,
  smallestImage: 16,
});
