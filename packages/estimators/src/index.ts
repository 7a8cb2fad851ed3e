export type {
  Artifacts,
  Checkpoint,
  Engine,
  EngineContext,
  EngineSettings,
  FeatureArray,
  Fold,
  FoldOutcome,
  Matrix,
  ModelFiles,
  Predictor,
  TrainingData,
} from './engine.js';
export type {
  AnyKind,
  EstimatorKind,
  FoldQueue,
  Prerequisite,
  Pretrained,
  Resource,
  RunSettings,
} from './estimator-kind.js';
export { LastValue } from './last-value.js';
export { caveatOf, type Estimator, estimatorKinds, estimatorSchema, kindOf } from './registry.js';
