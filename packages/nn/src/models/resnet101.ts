import { residualFeatures } from './residual.js';
import { transferNetwork } from './transfer.js';

/** ResNet101: He et al. (2015), as keras.applications builds it. */
export const resnet101 = transferNetwork({
  kind: 'resnet101',
  epochs: 3,
  features: () => residualFeatures('bottleneck', [3, 4, 23, 3]),
  length: 2048,
  typicalSeconds: 1 / 18,
  published: {
    name: 'resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5',
    md5: '88cf7a10940856eca736dc7b7e228a21',
  },
});
