import { residualFeatures } from './residual.js';
import { transferNetwork } from './transfer.js';

/**
 * ResNet34: He et al. (2015), table 1. Keras does not include it, so there are no published weights with these names.
 */
export const resnet34 = transferNetwork({
  kind: 'resnet34',
  epochs: 10,
  features: () => residualFeatures('basic', [3, 4, 6, 3]),
  length: 512,
  typicalSeconds: 1 / 43,
});
