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
export { FORMATS, isNewer, isUnreadable, newer, refuseNewer, unlessUnreadable } from './formats.js';
export { canonicalJson, contentKey, deriveSeed, sha256 } from './hash.js';
export { checkJobCount, checkPlanSize, type DatasetSize, LIMITS } from './limits.js';
export {
  decodeNpy,
  decodeNpyHeader,
  encodeNpy,
  NPY_HEADER_LIMIT,
  type NpyArray,
  type NpyData,
  type NpyHeader,
  type NpyType,
} from './npy.js';
export { abortedForMemory, asOutOfMemory } from './out-of-memory.js';
export {
  type DatasetManifest,
  datasetKey,
  decodeForeignManifest,
  decodeManifest,
  decodePlan,
  decodeRecord,
  encodePlan,
  encodeRecord,
  FOLD_FORMAT,
  type FoldJob,
  type FoldQueue,
  featuresKey,
  finalKey,
  type PlanInput,
  type PlannedSplit,
  planRun,
  planRunInSteps,
  queueOf,
  type RunPlan,
} from './plan.js';
export { type Prerequisite, prerequisiteOf, queuedIds } from './prerequisites.js';
export { escapeControls, printable } from './printable.js';
export { Random } from './random.js';
export { checkRegular, readRegularFile, readRegularText, readStream } from './read-file.js';
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
  checkSpec,
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
export { storedWeights, submittedWeights } from './submitted.js';
export { VERSION } from './version.js';
