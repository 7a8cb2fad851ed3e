import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';
import { byDistances, distanceParameters } from './by-distances.js';

/** Defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('k-nearest-neighbours'),
  neighbours: z.int().min(1).max(10_000).default(5).describe('number of nearest training clips that vote'),
  weights: z
    .enum(['uniform', 'distance'])
    .default('uniform')
    .describe('weight of each neighbour’s vote: equal for all, or the inverse of the neighbour’s distance'),
  ...distanceParameters,
});

type NearestNeighbours = z.infer<typeof parameters>;

/**
 * Predicts the classes of the nearest training clips by Euclidean distance, like scikit-learn's `KNeighborsClassifier`.
 */
export const nearestNeighbours = {
  kind: 'k-nearest-neighbours',
  parameters,
  ...byDistances,
  keyParts: () => ({}),
  typicalSeconds: 5e-8,
  loadEngine: async () => new (await import('./engines/k-nearest-neighbours.js')).NearestNeighboursEngine(),
  loadPredictor: async (file) => (await import('./engines/k-nearest-neighbours.js')).loadNearestNeighbours(file),
} satisfies EstimatorKind<NearestNeighbours>;
