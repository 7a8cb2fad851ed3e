import { z } from 'zod';
import type { EstimatorKind } from '../estimator-kind.js';

/** Defaults are scikit-learn's. */
const parameters = z.strictObject({
  kind: z.literal('random-forest'),
  trees: z.int().min(1).max(10_000).default(100),
  /** Levels of a tree below its root; default: until leaves are of one class */
  maxDepth: z.int().min(1).max(1000).optional(),
  /** Training clips in a leaf, at least */
  minLeaf: z.int().min(1).max(10_000).default(1),
  /** Columns that a split is chosen from; a number is a share of them */
  maxFeatures: z.union([z.enum(['sqrt', 'log2', 'all']), z.number().positive().max(1)]).default('sqrt'),
  /** Whether each tree draws its training clips with replacement */
  bootstrap: z.boolean().default(true),
});

/** The mean of many trees of drawn clips and columns, as scikit-learn's `RandomForestClassifier`. */
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
