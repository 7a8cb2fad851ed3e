import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';
import { byDistances, distanceParameters } from './by-distances.js';

/** Names and defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('logistic-regression'),
  C: z.number().min(1e-6).max(1e6).default(1).describe('inverse strength of the L2 penalty'),
  ...distanceParameters,
});

type LogisticRegression = z.infer<typeof parameters>;

/** Multinomial logistic regression with an L2 penalty, like scikit-learn's `LogisticRegression`. */
export const logisticRegression = {
  kind: 'logistic-regression',
  parameters,
  ...byDistances,
  keyParts: () => ({}),
  typicalSeconds: 8e-7,
  loadEngine: async () => new (await import('./engines/logistic-regression.js')).LogisticRegressionEngine(),
  loadPredictor: async (file) => (await import('./engines/logistic-regression.js')).loadLogisticRegression(file),
} satisfies EstimatorKind<LogisticRegression>;
