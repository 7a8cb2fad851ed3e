export type { AuditedRecording } from './audit/audit-input.js';
export { type Audit, auditSchema, decodeAudit, FILE_PROPERTIES, type Finding } from './audit/audit-record.js';
export { auditRecordings } from './audit/audit-recordings.js';
export { isTelling, propertyWord, valueText } from './audit/findings.js';
export { type BestModel, bestModelOf } from './best-model.js';
export { applyTemperature, fitTemperature, softmaxRows } from './calibration.js';
export { type ClipOutcome, clipOutcomes, type Errors, type GroupOutcome, groupOutcomes } from './clip-outcomes.js';
export {
  compareRuns,
  type Evidence,
  evidenceOf,
  needsPredictions,
  type RunComparison,
  type RunSide,
  type Verdict,
} from './compare.js';
export { type CorrectedT, correctedT, holm, LEAST_FOLDS, nadeauBengio, type PairedTest } from './comparisons.js';
export { crossFitRows, outOfFoldRows } from './cross-fit.js';
export { incompleteBeta } from './distributions.js';
export { type EvaluatedRun, evaluateRun, predictionsOf } from './evaluate.js';
export type {
  EvaluatedClip,
  EvaluationInput,
  FoldProbabilities,
  InnerSplit,
  ShuffledFold,
} from './evaluation-input.js';
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
  type GroupFacts,
  groupsKnown,
  groupsText,
  labelOf,
  protocolLabel,
  unitWord,
  unknownGroupsNote,
} from './group-sentences.js';
export { LEAST_GROUPS, testGroups, type Untested } from './group-test.js';
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
  soundMarks,
  summariseLeaks,
} from './leaks.js';
export { leaveOneGroupOut } from './leave-one-group-out.js';
export { METRIC_NAMES, METRICS, type Metric, type MetricName, metricOfCounts, scoreOf } from './metric.js';
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
export { outOfFoldCsv, textField } from './out-of-fold.js';
export { predefinedSplit } from './predefined-split.js';
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
export { metricOf } from './run-metric.js';
export { type ShuffleSplitOptions, shuffleSplit, trainTestSplit } from './shuffle-split.js';
export { shuffledName } from './shuffled.js';
export type { Split } from './split.js';
export {
  DEFAULT_TEST_SIZE,
  isGrouped,
  SPLITTERS,
  type SplitRequest,
  type Splitter,
  type SplitterKind,
  splitterOf,
} from './splitters.js';
export {
  addTallies,
  metricOfTally,
  type PredictedRows,
  type Predictions,
  type Tally,
  type TestRows,
  tallyGroups,
  tallyRows,
} from './tallies.js';
export { begunTrials, trialOrder } from './trial-order.js';
export { usableSplits } from './usable-splits.js';
