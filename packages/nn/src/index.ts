export { resnet50WeightShapes } from './models/resnet50.js';
export type { WeightData, WeightMap } from './network.js';
export { type TensorFlowInfo, tensorFlowInfo } from './tensorflow.js';
export { type EpochPoint, type FitOptions, type FitResult, type FoldImages, NetworkTrainer } from './trainer.js';
export { loadKerasWeights } from './weights.js';
export { resolveWeights, verifyWeightsFile, type WeightsFile, type WeightsSourceOptions } from './weights-source.js';
