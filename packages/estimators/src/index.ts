export {
  type Artifacts,
  type Engine,
  type EngineContext,
  type EngineSettings,
  type FeatureArray,
  type Fold,
  type FoldOutcome,
  featureArtifact,
  type Matrix,
  type ModelFiles,
  type Predictor,
  type TrainingData,
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
export { type Estimator, estimatorKinds, estimatorSchema, kindOf } from './registry.js';
