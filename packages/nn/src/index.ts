export type {
  AnyArchitecture,
  Architecture,
  Backbone,
  ImageSize,
  NetworkSpec,
  TrainingParameters,
  VectorSize,
} from './models/architecture.js';
export type { WeightData, WeightMap } from './network.js';
export { loadOwnModel, type OwnNetwork } from './own-model.js';
export { type ProcessSettings, type TensorFlowInfo, tensorFlowInfo } from './tensorflow.js';
export {
  backboneShapes,
  backboneWeights,
  encodeTrainedModel,
  type LoadedNetwork,
  loadTrainedModel,
  type TrainedModel,
} from './trained-model.js';
export {
  type FoldEmbeddings,
  type FoldExamples,
  type FoldImages,
  type FoldVectors,
  NetworkTrainer,
} from './trainer.js';
export type { EpochPoint, FitOptions, FitResult } from './training-loop.js';
export { loadKerasWeights } from './weights.js';
export {
  PUBLISHED_WEIGHTS,
  publishedHash,
  resolveWeights,
  verifyWeightsFile,
  type WeightsFile,
  type WeightsSourceOptions,
} from './weights-source.js';
