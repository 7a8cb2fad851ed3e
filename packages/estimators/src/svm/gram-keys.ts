import { featureArtifact } from '../engine.js';

/** Keys of artifacts that are computed once from all images of a feature set. */
export const gramKeys = (featureKey: string) => ({
  /** Exact squared distances. Written last, so that their presence means that all artifacts exist */
  gram: featureArtifact(featureKey, 'gram.npy'),
  moments: featureArtifact(featureKey, 'moments.npy'),
  rows: featureArtifact(featureKey, 'gram-rows.json'),
});
