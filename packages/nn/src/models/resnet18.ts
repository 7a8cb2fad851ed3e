import { residualFeatures } from './residual.js';
import { transferNetwork } from './transfer.js';

/**
 * ResNet18: He et al. (2015), table 1. Keras does not include it, so there are no published weights with these names.
 */
export const resnet18 = transferNetwork({
  kind: 'resnet18',
  epochs: 10,
  features: () => residualFeatures('basic', [2, 2, 2, 2]),
  length: 512,
  typicalSeconds: 1 / 80,
});
