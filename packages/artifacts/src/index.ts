export type { ArtifactContent, ArtifactInfo, ArtifactStore } from './artifact-store.js';
export { observed, type StoreOperation } from './observed-store.js';
export { openStore, readArtifact } from './open-store.js';
export { readFinal } from './read-final.js';
export { readRunPlan, replaceRecord, type StoredPlan } from './read-plan.js';
export type { S3Limits, S3Settings } from './s3-store.js';
