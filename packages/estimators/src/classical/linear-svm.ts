import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';
import { byDistances, distanceParameters } from './by-distances.js';

/** Names and defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('linear-svm'),
  C: z.number().min(1e-6).max(1e6).default(1).describe('inverse strength of the penalty'),
  ...distanceParameters,
});

/**
 * One linear machine per class against all others, like scikit-learn's `SVC(kernel='linear')`. A model stores only
 * their weights.
 */
export const linearSvm = {
  kind: 'linear-svm',
  parameters,
  ...byDistances,
  // The key need not contain the groups, because they are part of the dataset's hash.
  keyParts: ({ grouped }) => ({ innerFolds: grouped ? 'grouped' : undefined }),
  typicalSeconds: 5e-7,
  loadEngine: async () => new (await import('./engines/linear-svm.js')).LinearSvmEngine(),
  loadPredictor: async (file) => (await import('./engines/linear-svm.js')).loadLinearSvm(file),
} satisfies EstimatorKind<z.infer<typeof parameters>>;
