export { RUN_ID } from '@cryfold/store';
export { enqueueRun } from './changes.js';
export type { Decoded } from './decoded.js';
export {
  type FoldDetail,
  foldDetail,
} from './fold-detail.js';
export { gatherReport } from './gather-report.js';
export { HttpClient, type ServerAddress } from './http-client.js';
export { HttpControl } from './http-control.js';
export { HttpStore } from './http-store.js';
export {
  type Cell,
  type CellPhase,
  type ClusterView,
  type Failure,
  type Figure,
  type FoldGrid,
  type Grid,
  type GridChange,
  type GridFusion,
  type GridOutcome,
  type GridSearch,
  type GridStatus,
  type ListedModels,
  type ListedVersion,
  listedModelsSchema,
  type Reason,
  type Session,
  sessionSchema,
  type WatchedFold,
  watchedFoldSchema,
} from './live.js';
export { type FoldLog, findJob, foldLogSchema } from './logs.js';
export { exportModels, filesOfRun, type WriteFiles } from './mlflow-export.js';
export { experimentFiles, experimentId } from './mlflow-files.js';
export { checkComputable, checkKeepable, chooseOf, configurationOf, isKeepable } from './models/final-model.js';
export { HttpModels, type Making, makingSchema } from './models/http-models.js';
export { listVersions } from './models/list-versions.js';
export { type ModelControl, StoreModels } from './models/model-control.js';
export {
  type Contest,
  type ContestData,
  chooseContest,
  type Opponent,
  type Refusal,
} from './models/retraining/contest.js';
export { missingFolds } from './models/retraining/missing-folds.js';
export { classShares } from './models/retraining/predictions.js';
export {
  type Challenge,
  Retraining,
  type RetrainingSteps,
  type RetrainReport,
} from './models/retraining/retraining.js';
export { type TrainingOverlap, trainingOverlap } from './models/retraining/training-overlap.js';
export {
  judge,
  type Predictions,
  type RetrainTest,
  type RetrainVerdict,
  SIGNIFICANCE,
} from './models/retraining/verdict.js';
export { trainInCluster } from './models/train-in-cluster.js';
export { type Follower, type NewModel, type Training, trainingProgress } from './models/training.js';
export { noWorker, untakenQueues } from './no-worker.js';
export { Patience } from './patience.js';
export {
  type HourPrices,
  type HoursBasis,
  type PlanSummary,
  type SummaryOptions,
  summarisePlan,
  TYPICAL_FACTOR,
} from './plan-summary.js';
export { type RunControl, StoreControl } from './run-control.js';
export { allSplits, innerSplits, type Labelled, makeSplits, refuseUnknownGroups } from './splits.js';
export {
  type ClusterStatus,
  clusterStatusSchema,
  isUnfinished,
  queueStatus,
  type RunStatus,
  runStatusSchema,
  unlessDeleted,
} from './status.js';
export { readTrialRows, TrialTable } from './trials.js';
