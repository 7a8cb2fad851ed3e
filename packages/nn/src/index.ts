export { resnet50WeightShapes } from './models/resnet50.js';
export type { WeightData, WeightMap } from './network.js';
export { type ProcessSettings, type TensorFlowInfo, tensorFlowInfo } from './tensorflow.js';
export {
  backboneWeights,
  encodeTrainedModel,
  type LoadedNetwork,
  loadTrainedModel,
  type TrainedModel,
} from './trained-model.js';
export {
  EMBEDDING_LENGTH,
  type FoldEmbeddings,
  type FoldImages,
  type NetworkParameters,
  NetworkTrainer,
} from './trainer.js';
export type { EpochPoint, FitOptions, FitResult } from './training-loop.js';
export { loadKerasWeights } from './weights.js';
export {
  resolveWeights,
  verifyWeightsFile,
  type WeightsFile,
  type WeightsSourceOptions,
} from './weights-source.js';
