import { featureArtifact } from '../engine.js';

/** Keys of what is computed once from all images of a feature set. */
export const gramKeys = (featureKey: string) => ({
  /** Exact squared distances; written last, so that its presence says that all of them are there */
  gram: featureArtifact(featureKey, 'gram.npy'),
  moments: featureArtifact(featureKey, 'moments.npy'),
  rows: featureArtifact(featureKey, 'gram-rows.json'),
});
