export type { ArtifactStore } from './artifact-store.js';
export { openStore, readArtifact } from './open-store.js';
