import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';

/** Defaults are scikit-learn's, except for `maxFeatures`, because trying all pixels for each split takes minutes. */
const parameters = z.strictObject({
  kind: z.literal('gradient-boosting'),
  trees: z.int().min(1).max(10_000).default(100).describe('number of rounds, each of which adds one tree per class'),
  learningRate: z
    .number()
    .min(1e-4)
    .max(1)
    .default(0.1)
    .describe('factor by which the output of each tree is multiplied'),
  maxDepth: z.int().min(1).max(100).default(3).describe('maximum number of levels of a tree below its root'),
  minLeaf: z.int().min(1).max(10_000).default(1).describe('minimum number of training clips in a leaf'),
  maxFeatures: z
    .union([z.enum(['sqrt', 'log2', 'all']), z.number().positive().max(1)])
    .default('sqrt')
    .describe('number of columns that are considered for each split; a numeric value is a share of all columns'),
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
