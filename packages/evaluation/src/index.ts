export { applyTemperature, fitTemperature } from './calibration.js';
export { type ClipOutcome, clipOutcomes, type Errors, type GroupOutcome, groupOutcomes } from './clip-outcomes.js';
export { compareRuns, type RunComparison, type Verdict } from './compare.js';
export {
  bootstrapGroups,
  type CorrectedT,
  correctedT,
  holm,
  type Interval,
  mcNemar,
  nadeauBengio,
  type PairedTest,
} from './comparisons.js';
export { crossFitRows, outOfFoldRows } from './cross-fit.js';
export { type EvaluatedRun, evaluateRun } from './evaluate.js';
export type { EvaluatedClip, EvaluationInput, FoldProbabilities, ShuffledFold } from './evaluation-input.js';
export {
  applyFusion,
  type FittedFusion,
  FUSION_RULES,
  type FusionRule,
  type FusionTraining,
  fitFusion,
  fitWeights,
  fuse,
  fuseMean,
  isFitted,
} from './fusion.js';
export {
  type Groups,
  groupKFold,
  repeatedGroupKFold,
  repeatedStratifiedGroupKFold,
  stratifiedGroupKFold,
} from './group-k-fold.js';
export {
  type FoldOptions,
  kFold,
  type RepeatOptions,
  repeatedKFold,
  repeatedStratifiedKFold,
  repeatSeed,
  stratifiedKFold,
} from './k-fold.js';
export {
  findLeaks,
  groupsSpanning,
  type Leak,
  type LeakReport,
  leakHeadline,
  protocolLabel,
  summariseLeaks,
} from './leaks.js';
export { METRIC_NAMES, METRICS, type Metric, type MetricName, scoreOf } from './metric.js';
export {
  accuracy,
  argmaxRows,
  balancedAccuracy,
  brier,
  type Confusion,
  cohenKappa,
  confusionMatrix,
  ece,
  logLoss,
  macroF1,
  matthews,
  precision,
  type ReliabilityBin,
  recall,
  reliabilityCurve,
  rowNormalise,
  type Summary,
  summarise,
} from './metrics.js';
export { outOfFoldCsv } from './out-of-fold.js';
export { RandomState } from './random-state.js';
export {
  type Comparison,
  decodeResults,
  type Evaluation,
  type LeakFindings,
  type MissingFold,
  type ModelResults,
  type RunResults,
  resultsJsonSchema,
  resultsSchema,
  type SearchResults,
  type TrialRow,
} from './results.js';
export { type ShuffleSplitOptions, shuffleSplit, trainTestSplit } from './shuffle-split.js';
export { shuffledName } from './shuffled.js';
export type { Split } from './split.js';
export { isGrouped, SPLITTERS, type SplitRequest, type Splitter, type SplitterKind, splitterOf } from './splitters.js';
