import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';

/** Names and defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('linear-svm'),
  C: z.number().min(1e-6).max(1e6).default(1),
  /** Scales each column to a standard deviation of 1 over the training clips */
  standardise: z.boolean().default(false),
});

/** One linear machine per class against the rest, as scikit-learn's `SVC(kernel='linear')`; a model holds their weights. */
export const linearSvm = {
  kind: 'linear-svm',
  parameters,
  queue: 'cpu',
  reads: 'any',
  // The groups themselves are part of the data's hash.
  keyParts: ({ grouped }) => ({ innerFolds: grouped ? 'grouped' : undefined }),
  cost: (_, trainClips) => trainClips ** 2,
  typicalSeconds: 5e-7,
  loadEngine: async () => new (await import('./engines/linear-svm.js')).LinearSvmEngine(),
  loadPredictor: async (file) => (await import('./engines/linear-svm.js')).loadLinearSvm(file),
} satisfies EstimatorKind<z.infer<typeof parameters>>;
