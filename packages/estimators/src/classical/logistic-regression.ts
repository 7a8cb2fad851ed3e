import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';

/** Names and defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('logistic-regression'),
  /** Inverse strength of the L2 penalty */
  C: z.number().min(1e-6).max(1e6).default(1),
  /** Scales each column to a standard deviation of 1 over the training clips */
  standardise: z.boolean().default(false),
});

type LogisticRegression = z.infer<typeof parameters>;

/** Multinomial logistic regression with an L2 penalty, as scikit-learn's `LogisticRegression`. */
export const logisticRegression = {
  kind: 'logistic-regression',
  parameters,
  queue: 'cpu',
  reads: 'any',
  keyParts: () => ({}),
  cost: (_, trainClips) => trainClips ** 2,
  // Standardised rows have other distances in each fold.
  unit: ({ kind, standardise }) => (standardise ? `${kind}, standardised` : kind),
  typicalSeconds: 8e-7,
  loadEngine: async () => new (await import('./engines/logistic-regression.js')).LogisticRegressionEngine(),
  loadPredictor: async (file) => (await import('./engines/logistic-regression.js')).loadLogisticRegression(file),
} satisfies EstimatorKind<LogisticRegression>;
