export { endsWithin } from './ends-within.js';
export {
  CryfoldError,
  DAMAGE_CODES,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type ErrorRecord,
  type FailureClass,
  redactUrl,
} from './errors.js';
export { type FinalRequest, finalRequest, finalRequestSchema } from './final.js';
export { FORMATS, isNewer, newer, refuseNewer } from './formats.js';
export { canonicalJson, contentKey, deriveSeed, sha256 } from './hash.js';
export { decodeNpy, encodeNpy, type NpyArray, type NpyData, type NpyType } from './npy.js';
export {
  type DatasetManifest,
  decodeManifest,
  decodePlan,
  decodeRecord,
  encodeRecord,
  FOLD_FORMAT,
  type FoldJob,
  type FoldQueue,
  featuresKey,
  finalKey,
  type PlanInput,
  type PlannedSplit,
  planRun,
  queueOf,
  type RunPlan,
} from './plan.js';
export { type Prerequisite, prerequisiteOf, queuedIds } from './prerequisites.js';
export { Random } from './random.js';
export {
  bestModel,
  cancelledSchema,
  type EpochPoint,
  epochSchema,
  errorRecordSchema,
  type FinalResult,
  type FoldFailure,
  type FoldResult,
  finalLoss,
  finalResultSchema,
  foldFailureSchema,
  foldResultSchema,
  storeKeys,
} from './records.js';
export {
  choiceKey,
  contextSplits,
  contextsOf,
  type Decision,
  growPlan,
  replay,
  type SearchLog,
  type SearchRecord,
  searchedBase,
  searchRecordSchema,
  selectedPlan,
  type Trial,
  type TrialState,
  type TrialStatistics,
  trialName,
} from './search-log.js';
export {
  SEARCH_ALGORITHMS,
  SEARCH_METRICS,
  type SearchMetric,
  type SearchParameter,
  type SearchSpec,
} from './search-spec.js';
export {
  type Estimator,
  estimatorSchema,
  FUSION_RULES,
  type FusionRule,
  isGrouped,
  parseSpec,
  type ResNet50Parameters,
  resnet50Schema,
  type SmallCnnParameters,
  SPLITTERS,
  type Spec,
  type Splitter,
  type SvmParameters,
  smallCnnSchema,
  specJsonSchema,
  specSchema,
} from './spec.js';
export { VERSION } from './version.js';
