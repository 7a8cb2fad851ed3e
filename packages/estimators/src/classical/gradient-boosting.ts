import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';

/** Defaults are scikit-learn's, except for `maxFeatures`: trying all pixels at each split takes minutes. */
const parameters = z.strictObject({
  kind: z.literal('gradient-boosting'),
  /** Rounds, each of which adds a tree per class */
  trees: z.int().min(1).max(10_000).default(100),
  learningRate: z.number().min(1e-4).max(1).default(0.1),
  /** Levels of a tree below its root */
  maxDepth: z.int().min(1).max(100).default(3),
  /** Minimum number of training clips in a leaf */
  minLeaf: z.int().min(1).max(10_000).default(1),
  /** Number of columns to choose a split from; a number is a share of them */
  maxFeatures: z.union([z.enum(['sqrt', 'log2', 'all']), z.number().positive().max(1)]).default('sqrt'),
});

/** Small trees that each correct the previous ones, like scikit-learn's `GradientBoostingClassifier`. */
export const gradientBoosting = {
  kind: 'gradient-boosting',
  parameters,
  queue: 'cpu',
  reads: 'any',
  keyParts: () => ({}),
  cost: ({ trees, maxDepth }, trainClips) => trees * maxDepth * trainClips,
  unit: ({ kind, maxFeatures }) => `${kind}, ${maxFeatures}`,
  typicalSeconds: 1e-5,
  loadEngine: async () => new (await import('./engines/gradient-boosting.js')).GradientBoostingEngine(),
  loadPredictor: async (file) => (await import('./engines/gradient-boosting.js')).loadGradientBoosting(file),
} satisfies EstimatorKind<z.infer<typeof parameters>>;
