export { type CalibrationOptions, type CalibrationTask, calibrate } from './calibrate.js';
export { COMMAND_FILES_BYTES, commandFileKey } from './command/parameters.js';
export { killGroup } from './command/process-group.js';
export { checkCommandsAllowed } from './commands-allowed.js';
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
  Prediction,
  Predictor,
  PredictorSettings,
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
  Searched,
  SpecFiles,
} from './estimator-kind.js';
export { LastValue } from './last-value.js';
export {
  caveatOf,
  checkRuntimes,
  type Estimator,
  type EstimatorInput,
  estimatorKinds,
  estimatorSchema,
  kindOf,
  queueOf,
  searchedOf,
  withSearched,
} from './registry.js';
