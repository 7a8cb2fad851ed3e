export { auditDataset } from './audit-dataset.js';
export { type CalibrateOptions, calibration } from './calibration.js';
export { refuseGivenFeatures } from './given-features.js';
export { LocalCluster, type LocalClusterOptions } from './local-cluster.js';
export { type Preparation, type PrepareOptions, prepareRun, publish } from './prepare-run.js';
export { QueuedRun } from './queued-run.js';
export { findRedisServer } from './redis-server.js';
export { type FollowedRun, type Look, RunFollower } from './run-follower.js';
export { weightsSources } from './spec-weights.js';
