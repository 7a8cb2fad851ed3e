import { residualFeatures } from './residual.js';
import { transferNetwork } from './transfer.js';

/** The ImageNet weights published by keras.applications, with their md5 (WEIGHTS_HASHES in its source). */
export const PUBLISHED_RESNET50 = {
  name: 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5',
  md5: '4d473c1dd8becc155b73f8504c6f6626',
};

/**
 * The paper's TL_ResNet50, as far as the paper describes it: ResNet50, global average pooling, dropout, and a dense
 * head. Pixels are preprocessed by Keras's preprocess_input, even with random weights. The BatchNormalization after the
 * first convolution makes the scale irrelevant, and centred pixels train better than positive ones.
 */
export const tlResnet50 = {
  ...transferNetwork({
    kind: 'tl-resnet50',
    epochs: 3,
    features: () => residualFeatures('bottleneck', [3, 4, 6, 3]),
    length: 2048,
    // Measured: 31.8 images per CPU second, see docs/performance.md.
    typicalSeconds: 1 / 31.8,
    published: PUBLISHED_RESNET50,
  }),
  // Features of ResNet50 were stored before `embeddingsOf` existed, so their keys must not contain it.
  embeddingsOf: undefined,
};
