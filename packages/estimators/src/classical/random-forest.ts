import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';

/** Defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('random-forest'),
  trees: z.int().min(1).max(10_000).default(100),
  /** Levels of a tree below its root; default: until leaves have a single class */
  maxDepth: z.int().min(1).max(1000).optional(),
  /** Minimum number of training clips in a leaf */
  minLeaf: z.int().min(1).max(10_000).default(1),
  /** Number of columns to choose a split from; a number is a share of them */
  maxFeatures: z.union([z.enum(['sqrt', 'log2', 'all']), z.number().positive().max(1)]).default('sqrt'),
  /** Whether each tree draws its training clips with replacement */
  bootstrap: z.boolean().default(true),
});

/** The mean of many trees on random clips and columns, like scikit-learn's `RandomForestClassifier`. */
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
