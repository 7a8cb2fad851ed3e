export type { ArtifactContent, ArtifactInfo, ArtifactStore } from './artifact-store.js';
export { observed, type StoreOperation } from './observed-store.js';
export { openStore, readArtifact } from './open-store.js';
export type { ArtifactReference, AttemptLog } from './records/folds.js';
export { storeKeys } from './records/keys.js';
export { RUN_ID, type StoredPlan } from './records/runs.js';
export { replaceRecord } from './replace-record.js';
export { RunStore } from './run-store.js';
export type { S3Limits, S3Settings } from './s3-store.js';
