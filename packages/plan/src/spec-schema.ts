import { LIMITS } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import { FUSION_RULES, METRIC_NAMES, SPLITTERS } from '@cryfold/evaluation';
import { DEFAULT_FEATURES, featureSetSchema } from '@cryfold/features/kinds';
import { z } from 'zod';
import { maxParallelSchema, PRIORITIES } from './scheduling.js';
import { searchSchema } from './search-spec.js';

const count = z.int().positive();

/** Default number of folds; also set in specs whose splitter does not take a number of folds. */
export const DEFAULT_FOLDS = 5;

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'use lower-case letters, digits and dashes');

export const specSchema = z.strictObject({
  version: z.literal(1),
  name,
  features: featureSetSchema.prefault({ kind: DEFAULT_FEATURES } as never),
  /** Feature sets other than the default one, by name: see normalizeFeatures */
  featureSets: z.record(name, featureSetSchema).optional(),
  /** Seconds from one clip's start to the next one's within a recording; default: a clip's length */
  hopSeconds: z.number().positive().max(3600).optional(),
  /** How to treat recordings shorter than a clip; default: half a clip or more is padded, less is an error */
  shortClips: z.enum(['pad', 'drop', 'error']).optional(),
  protocol: z
    .strictObject({
      splitter: z.enum(SPLITTERS).default('RepeatedKFold'),
      folds: z.int().min(2).max(LIMITS.folds).default(DEFAULT_FOLDS),
      repeats: count.max(LIMITS.repeats).default(10),
      /** Share of the clips that ShuffleSplit and StratifiedShuffleSplit test; default 0.2 */
      testSize: z.number().gt(0).lt(1).optional(),
    })
    .prefault({}),
  seed: z.int().min(0).max(0xffffffff).default(0),
  /** TensorFlow threads of one training child; part of the result's identity, since sums depend on it. */
  threads: count.max(1024).default(1),
  /** Whether TensorFlow compiles the networks' graphs with XLA; also part of the result's identity. */
  xla: z.boolean().optional(),
  /**
   * `epoch` saves networks after each epoch, so that a killed fold resumes from there with the same results. With
   * `none`, workers of a cluster save epochs only of folds that take longer than their grace period.
   */
  checkpoint: z.enum(['none', 'epoch']).default('none'),
  /** How many times each estimator is also trained on shuffled labels, over the first repeat's folds. */
  nulls: z.int().min(0).max(100).optional(),
  /**
   * Metric by which models are compared, ordered and headlined; default accuracy. A sweep uses `search.metric` instead.
   */
  metric: z
    .enum(METRIC_NAMES)
    .optional()
    .describe(
      'metric by which models are compared and headlined; default accuracy. A sweep uses search.metric instead',
    ),
  /** Which folds' trained networks are kept: none (default), the one of lowest test log-loss per trial, or all. */
  keepModels: z.enum(['none', 'best', 'all']).optional(),
  /** The run's share of the workers relative to other runs; like `maxParallel`, not part of the run's identity. */
  priority: z.enum(PRIORITIES).optional(),
  /** Maximum number of the run's folds that train at the same time. */
  maxParallel: maxParallelSchema.optional(),
  estimators: z.record(name, estimatorSchema),
  fusion: z
    .record(
      name,
      z.strictObject({
        rule: z.enum(FUSION_RULES).default('mean'),
        members: z.array(name).min(2).max(LIMITS.estimators),
        /**
         * For `weighted` and `stacked`: learn from members trained inside each outer fold, which never saw its test
         * clips. Costs the members' inner folds.
         */
        nested: z
          .boolean()
          .optional()
          .describe('weighted and stacked: learn from members trained inside each outer fold, for unbiased figures'),
      }),
    )
    .default({}),
  /** Turns the run into a sweep: docs/sweeps.md */
  search: searchSchema.optional(),
});

export type Spec = z.infer<typeof specSchema>;

/** How a spec cuts recordings into clips. */
export function cutOptions({ features, hopSeconds, shortClips }: Pick<Spec, 'features' | 'hopSeconds' | 'shortClips'>) {
  return { clipSeconds: features.clipSeconds, hopSeconds, shortClips };
}

/** The JSON Schema (draft 2020-12) of a spec as written, published as docs/spec.schema.json. */
export function specJsonSchema(): object {
  const schema = z.toJSONSchema(specSchema, { io: 'input' });
  // As written, multiple feature sets are named below `features`.
  const { featureSets, ...properties } = schema.properties as Record<string, object>;
  return {
    title: 'cryfold spec, version 1',
    ...schema,
    properties: { ...properties, features: { anyOf: [properties.features, featureSets] } },
  };
}
