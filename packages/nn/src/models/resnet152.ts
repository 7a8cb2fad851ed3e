import { residualFeatures } from './residual.js';
import { transferNetwork } from './transfer.js';

/** ResNet152: He et al. (2015), as keras.applications builds it. */
export const resnet152 = transferNetwork({
  kind: 'resnet152',
  epochs: 3,
  features: () => residualFeatures('bottleneck', [3, 8, 36, 3]),
  length: 2048,
  typicalSeconds: 1 / 13,
  published: {
    name: 'resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5',
    md5: 'ee4c566cf9a93f14d82f913c2dc6dd0c',
  },
});
