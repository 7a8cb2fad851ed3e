import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';

/** Defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('random-forest'),
  trees: z.int().min(1).max(10_000).default(100).describe('number of trees'),
  maxDepth: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('maximum number of levels of a tree below its root; default: until each leaf contains one class'),
  minLeaf: z.int().min(1).max(10_000).default(1).describe('minimum number of training clips in a leaf'),
  maxFeatures: z
    .union([z.enum(['sqrt', 'log2', 'all']), z.number().positive().max(1)])
    .default('sqrt')
    .describe('number of columns that are considered for each split; a numeric value is a share of all columns'),
  bootstrap: z.boolean().default(true).describe('whether each tree draws its training clips with replacement'),
});

/** Averages many trees, each grown on random clips and columns, like scikit-learn's `RandomForestClassifier`. */
export const randomForest = {
  kind: 'random-forest',
  parameters,
  queue: 'cpu',
  reads: 'any',
  keyParts: () => ({}),
  cost: ({ trees }, trainClips) => trees * trainClips,
  unit: ({ kind, maxFeatures }) => `${kind}, ${maxFeatures}`,
  typicalSeconds: 2e-5,
  loadEngine: async () => new (await import('./engines/random-forest.js')).RandomForestEngine(),
  loadPredictor: async (file) => (await import('./engines/random-forest.js')).loadRandomForest(file),
} satisfies EstimatorKind<z.infer<typeof parameters>>;
