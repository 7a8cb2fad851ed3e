import { LIMITS } from '@cryfold/core';
import { estimatorSchema } from '@cryfold/estimators';
import { FUSION_RULES, METRIC_NAMES, SPLITTERS } from '@cryfold/evaluation';
import { DEFAULT_FEATURES, type FeatureSetInput, featureSetSchema } from '@cryfold/features/kinds';
import { z } from 'zod';
import { maxParallelSchema, PRIORITIES } from './scheduling.js';
import { searchSchema } from './search-spec.js';

const count = z.int().positive();

/** Default number of folds. Specs contain a number of folds even if their splitter does not use it. */
export const DEFAULT_FOLDS = 5;

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'use lower-case letters, digits and dashes');

export const specSchema = z.strictObject({
  version: z.literal(1).describe('version of the spec format'),
  name: name.describe('name of the run; the id of the run begins with this name'),
  features: featureSetSchema
    .prefault({ kind: DEFAULT_FEATURES } as never)
    .describe('the input of estimators: one feature set, or several named ones, the first of which is the default'),
  /** Named feature sets in addition to the default one (see `normalizeFeatures`) */
  featureSets: z.record(name, featureSetSchema).optional(),
  hopSeconds: z
    .number()
    .positive()
    .max(3600)
    .optional()
    .describe('seconds between the starts of successive clips of a recording; default: the length of a clip'),
  shortClips: z
    .enum(['pad', 'drop', 'error'])
    .optional()
    .describe(
      'what to do with recordings shorter than a clip; default: pad those of at least half a clip, and reject the others',
    ),
  protocol: z
    .strictObject({
      splitter: z.enum(SPLITTERS).default('RepeatedKFold').describe('how clips are split; named as in scikit-learn'),
      folds: z.int().min(2).max(LIMITS.folds).default(DEFAULT_FOLDS).describe('number of folds per repeat'),
      repeats: count.max(LIMITS.repeats).default(10).describe('number of times the clips are split into folds'),
      testSize: z
        .number()
        .gt(0)
        .lt(1)
        .optional()
        .describe('share of the clips that ShuffleSplit and StratifiedShuffleSplit use for testing; default: 0.2'),
    })
    .prefault({})
    .describe('how clips are split into training and test clips'),
  seed: z.int().min(0).max(0xffffffff).default(0).describe('seed of splits and training'),
  threads: count
    .max(1024)
    .default(1)
    .describe('TensorFlow threads per training process; affects the last bits of results, so it is part of fold keys'),
  xla: z.boolean().optional().describe('compile networks with XLA; also part of fold keys'),
  checkpoint: z
    .enum(['none', 'epoch'])
    .default('none')
    .describe('epoch: save networks after each epoch, so that a killed fold can resume; this does not change results'),
  nulls: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('number of times each estimator is also trained on shuffled labels, on the folds of the first repeat'),
  /**
   * The metric by which models are compared, ordered and ranked; default: accuracy. A sweep has `search.metric`
   * instead.
   */
  metric: z
    .enum(METRIC_NAMES)
    .optional()
    .describe('metric by which models are compared and ranked; default: accuracy; a sweep uses search.metric'),
  keepModels: z
    .enum(['none', 'best', 'all'])
    .optional()
    .describe('which trained networks are kept: none, the one from the best fold of each trial, or all; default: none'),
  priority: z
    .enum(PRIORITIES)
    .optional()
    .describe(
      'share of the workers relative to other runs; each level gets four times as much as the one below; default: normal',
    ),
  maxParallel: maxParallelSchema
    .optional()
    .describe('maximum number of folds of the run that train at the same time; default: no limit'),
  estimators: z.record(name, estimatorSchema).describe('estimators to evaluate, each under a name of your choice'),
  fusion: z
    .record(
      name,
      z.strictObject({
        rule: z
          .enum(FUSION_RULES)
          .default('mean')
          .describe('how the probabilities of the members are combined; weighted and stacked learn from them'),
        members: z.array(name).min(2).max(LIMITS.estimators).describe('names of estimators in this spec'),
        /**
         * For `weighted` and `stacked`: learn from members trained inside each outer fold, which have never seen its
         * test clips. This also trains the members on the inner folds.
         */
        nested: z
          .boolean()
          .optional()
          .describe('weighted and stacked: learn from members trained inside each outer fold, for unbiased figures'),
      }),
    )
    .default({})
    .describe('fusions, each under a name of your choice; a fusion combines the probabilities of estimators'),
  search: searchSchema.optional().describe('makes the run a sweep (see docs/sweeps.md)'),
});

export type Spec = z.infer<typeof specSchema>;

/** A spec as written, such as in a YAML file: keys with a default may be omitted. docs/spec.md explains each key. */
export interface SpecInput extends Omit<z.input<typeof specSchema>, 'features' | 'featureSets'> {
  /** One feature set, or several by name, the first of which is the default */
  features?: FeatureSetInput | Record<string, FeatureSetInput>;
}

/** How a spec cuts recordings into clips. */
export function cutOptions({ features, hopSeconds, shortClips }: Pick<Spec, 'features' | 'hopSeconds' | 'shortClips'>) {
  return { clipSeconds: features.clipSeconds, hopSeconds, shortClips };
}

/** The JSON Schema (draft 2020-12) of a spec as written, published as docs/spec.schema.json. */
export function specJsonSchema(): object {
  const schema = z.toJSONSchema(specSchema, { io: 'input' });
  // In a spec as written, `features` may contain several named feature sets.
  const { featureSets, ...properties } = schema.properties as Record<string, object>;
  return {
    title: 'cryfold spec, version 1',
    ...schema,
    properties: { ...properties, features: { anyOf: [properties.features, featureSets] } },
  };
}
