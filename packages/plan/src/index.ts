export { allFeatureSets, featuresOf, vectorsOf } from './feature-sets.js';
export { type FinalRequest, finalRequest, finalRequestSchema } from './final.js';
export { innerFoldsOf, nestedMembers } from './inner-folds.js';
export { type DatasetManifest, decodeForeignManifest, decodeManifest } from './manifest.js';
export { metricNamed } from './metric-name.js';
export { applyOverrides, type Overrides } from './overrides.js';
export {
  decodePlan,
  encodePlan,
  FOLD_FORMAT,
  type FoldJob,
  featureKeyOf,
  featuresKey,
  finalKey,
  type PlanInput,
  type PlannedSplit,
  plannedFeatures,
  planRun,
  planRunInSteps,
  type RunPlan,
  settingsOf,
} from './plan.js';
export { checkPlanSize, type DatasetSize } from './plan-size.js';
export { prerequisiteOf, queuedIds } from './prerequisites.js';

export { evaluationsWith, isProtocolName, protocolNameOf, TEST_ON } from './protocol-names.js';
export {
  bestModel,
  cancelledSchema,
  type FinalResult,
  type FoldFailure,
  type FoldResult,
  finalLoss,
  finalResultSchema,
  foldFailureSchema,
  foldResultSchema,
} from './records.js';
export {
  changeScheduling,
  initialScheduling,
  MANY_GIVE_BACKS,
  type Priority,
  type Scheduling,
  type SchedulingChange,
  schedulingChangeSchema,
  schedulingSchema,
} from './scheduling.js';
export {
  choiceKey,
  contextSplits,
  contextsOf,
  type Decision,
  growPlan,
  isInnerFold,
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
  trialNumber,
} from './search-log.js';
export { type SearchParameter, type SearchSpec, searchSpace } from './search-spec.js';
export { decodeSharedSounds, type SharedSounds } from './shared-sounds.js';
export { checkSpec, parseSpec } from './spec.js';
export { metricOfSpec, withMetric } from './spec-metric.js';
export { cutOptions, type Spec, type SpecInput, specJsonSchema, specSchema } from './spec-schema.js';
export { storedWeights, submittedWeights } from './submitted.js';
