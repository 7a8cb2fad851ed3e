import type { EstimatorKind } from '../estimator-kind.js';
import { gramKeys } from './gram-keys.js';
import { type Svm, svmParameters } from './parameters.js';

/** A support vector machine. Folds on images share one matrix of exact distances between all images. */
export const svm = {
  kind: 'svm',
  parameters: svmParameters,
  queue: 'cpu',
  reads: 'any',
  // The key need not contain the groups, because they are part of the dataset's hash.
  keyParts: ({ grouped }) => ({ innerFolds: grouped ? 'grouped' : undefined }),
  // Vectors are standardised in each fold, so folds cannot share distances.
  prerequisite: (_, { featureKey, produces }) =>
    produces === 'images'
      ? { kind: 'distances', id: `distances-${featureKey}`, artifact: gramKeys(featureKey).gram }
      : undefined,
  keeps: (_, featureKey) => Object.values(gramKeys(featureKey)),
  // The solver's work grows with the number of pairs of training clips.
  cost: (_, trainClips) => trainClips ** 2,
  // Measured: 2.0 to 2.4 s for 1,512 training clips, including calibration.
  typicalSeconds: 1e-6,
  loadEngine: async () => new (await import('./engine.js')).SvmEngine(),
  loadPredictor: async (file) => (await import('./predictor.js')).loadSvm(file),
} satisfies EstimatorKind<Svm>;
