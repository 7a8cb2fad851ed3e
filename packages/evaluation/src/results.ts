import { decodeRecord, FORMATS, groupSourceSchema } from '@cryfold/core';
import { z } from 'zod';
import { auditSchema } from './audit/audit-record.js';
import { UNTESTED } from './group-test.js';
import { METRIC_NAMES } from './metric.js';

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
/** A metric is null if scikit-learn leaves it undefined for the data. */
const orUndefined = z.number().nullable();

const summary = z
  .strictObject({
    mean: z.number(),
    standardDeviation: orUndefined,
    minimum: z.number(),
    maximum: z.number(),
    count,
  })
  .nullable();

const foldMetrics = {
  accuracy: share,
  balancedAccuracy: share,
  macroF1: share,
  logLoss: z.number().nonnegative(),
};

/** A baseline's metrics other than accuracy; absent in results from earlier versions */
const otherFoldMetrics = {
  balancedAccuracy: share.optional(),
  macroF1: share.optional(),
  logLoss: z.number().nonnegative().optional(),
};
const otherSummaries = {
  balancedAccuracy: summary.optional(),
  macroF1: summary.optional(),
  logLoss: summary.optional(),
};

const interval = z.strictObject({ low: z.number(), high: z.number() });

const pooled = z.strictObject({
  clips: count,
  ...foldMetrics,
  kappa: orUndefined,
  matthews: z.number(),
  brier: z.number(),
  ece: share,
  confusion: z.array(z.array(count)),
  rowNormalised: z.array(z.array(share)),
  perClass: z.array(z.strictObject({ label: z.string(), recall: orUndefined, precision: orUndefined })),
  /** Intervals over groups; null for a single group. */
  intervals: z
    .strictObject({
      groups: count,
      /**
       * Computed by leaving out one group at a time; absent in older results, whose intervals are bootstrap percentiles
       */
      method: z.literal('jackknife').optional(),
      /** Samples of the bootstrap */
      samples: count.optional(),
      seed: count.optional(),
      level: share,
      /** Null if the metric does not vary between groups */
      accuracy: interval.nullable(),
      balancedAccuracy: interval.nullable(),
      macroF1: interval.nullable(),
    })
    .nullable(),
  reliability: z.array(
    z.strictObject({ low: share, high: share, count, confidence: orUndefined, accuracy: orUndefined }),
  ),
});

const modelSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['estimator', 'fusion']),
  /** Kind of the estimator, such as `svm`, or rule of a fusion, such as `mean`. */
  method: z.string(),
  /** Names of a fusion's members. */
  members: z.array(z.string()).optional(),
  /** For a fusion: true if it learned from members that were trained inside each outer fold */
  nested: z.boolean().optional(),
  /**
   * What determines the predicted class: the largest decision value, as in scikit-learn's SVC, or the largest
   * probability.
   */
  predictedBy: z.enum(['probabilities', 'decisions']),
  /** False if a fold is missing. The figures then cover only the listed folds. */
  complete: z.boolean(),
  folds: z.array(z.strictObject({ repeat: count, fold: count, testCount: count, ...foldMetrics })),
  accuracy: summary,
  balancedAccuracy: summary,
  macroF1: summary,
  logLoss: summary,
  /**
   * Only set if decision values determine the predicted class: the accuracy that would result from choosing the class
   * with the largest probability instead.
   */
  probabilityAccuracy: summary.optional(),
  repeats: z.array(z.strictObject({ repeat: count, ...foldMetrics })),
  pooled: pooled.nullable(),
});

const missingFold = z.strictObject({
  model: z.string(),
  repeat: count,
  fold: count,
  code: z.string().nullable(),
  reason: z.string(),
});

const comparison = z.strictObject({
  a: z.string(),
  b: z.string(),
  /** The compared metric; absent in older results, which compare accuracy */
  metric: z.enum(METRIC_NAMES).optional(),
  /** Number of folds that were evaluated for both models. */
  folds: count,
  /** The metric of `a` minus the metric of `b`, averaged over these folds; null if there are no such folds */
  meanDifference: orUndefined.optional(),
  /**
   * The Nadeau-Bengio corrected t-test of the differences per fold; null if there are too few folds or all differences
   * are equal.
   */
  test: z
    .strictObject({
      meanDifference: z.number(),
      low: z.number(),
      high: z.number(),
      t: orUndefined,
      pValue: share,
      pHolm: share,
    })
    .nullable(),
  /**
   * Only if clips share groups: the metric of `a` minus the metric of `b`, each pooled over the predictions of these
   * folds, tested by group.
   */
  byGroup: z
    .strictObject({
      groups: count,
      difference: z.number(),
      low: orUndefined,
      high: orUndefined,
      pValue: share.nullable(),
      pHolm: share.nullable(),
      /** Whether every exchange of groups was tried, rather than a sample of them */
      exact: z.boolean(),
    })
    .optional(),
  /** Why the decisive test (by group if there is one) has no p-value */
  untested: z.enum(UNTESTED).optional(),
  /** Only in older results: McNemar's test on the clips of the first repeat, which ignores groups */
  mcNemar: z.strictObject({ onlyA: count, onlyB: count, pValue: share }).nullable().optional(),
});

/** The part of results.json that `evaluateRun` computes. The other fields describe the run that produced it. */
const evaluationSchema = z.strictObject({
  status: z.enum(['complete', 'incomplete']),
  missing: z.array(missingFold),
  models: z.array(modelSchema),
  comparisons: z.array(comparison),
  baselines: z.strictObject({
    majority: z.strictObject({
      label: z.string(),
      share,
      folds: z.array(
        z.strictObject({ repeat: count, fold: count, label: z.string(), accuracy: share, ...otherFoldMetrics }),
      ),
      accuracy: summary,
      ...otherSummaries,
    }),
    /** Results of estimators that were trained on shuffled labels, if requested. */
    shuffled: z
      .array(
        z.strictObject({
          model: z.string(),
          folds: z.array(
            z.strictObject({ shuffle: count, repeat: count, fold: count, accuracy: share, ...otherFoldMetrics }),
          ),
          accuracy: summary,
          ...otherSummaries,
        }),
      )
      .optional(),
  }),
});

const trial = z.strictObject({
  trial: z.string(),
  /** The name of the estimator in the spec; the trial is a variant of this estimator */
  base: z.string(),
  state: z.enum(['RUNNING', 'COMPLETE', 'PRUNED', 'FAILED']),
  reason: z.string(),
  /** The parameters that the search has chosen, without those that the spec fixes */
  parameters: z.record(z.string(), z.unknown()),
  /** Number of evaluated folds, and total number of folds */
  folds: count,
  planned: count,
  /**
   * Only if the search allocates epochs: the number of epochs for which each fold was trained, and the maximum number
   */
  epochs: z.strictObject({ trained: count, planned: count }).optional(),
  /** The mean of the metric over the trial's folds, with a 95 % interval that uses the Nadeau-Bengio correction */
  mean: orUndefined,
  standardDeviation: orUndefined,
  low: orUndefined,
  high: orUndefined,
});

/** Results of a sweep: all trials, and the quality of the winners corrected for the selection. */
const search = z.strictObject({
  algorithm: z.string(),
  metric: z.enum(METRIC_NAMES),
  /** Whether the models' figures come from nested cross-validation. If not, they are too optimistic */
  nested: z.boolean(),
  /** Sorted by estimator, then by epochs and folds (most first), then by score (best first) */
  trials: z.array(trial),
  winners: z.array(
    z.strictObject({
      base: z.string(),
      /** Null if every trial failed */
      trial: z.string().nullable(),
      parameters: z.record(z.string(), z.unknown()),
      /** Number of fully evaluated trials from which the winner was chosen */
      among: count,
      /** The winner's mean over the folds on which it was chosen, which is too optimistic */
      plain: orUndefined,
      /**
       * The winner's metric pooled over all test clips, for comparison with `corrected`; absent in results from earlier
       * versions
       */
      pooled: orUndefined.optional(),
      /**
       * Bootstrap bias-corrected score, from the pooled out-of-fold predictions of all trials that were started; null
       * if trials had unequal folds or epochs, or if there is only one group
       */
      corrected: z.strictObject({ mean: z.number(), low: z.number(), high: z.number(), samples: count }).nullable(),
      /** The score by nested cross-validation */
      nestedMean: orUndefined,
      /** The trial that won inside each outer fold */
      inside: z.array(
        z.strictObject({
          repeat: count,
          fold: count,
          trial: z.string().nullable(),
          parameters: z.record(z.string(), z.unknown()),
        }),
      ),
    }),
  ),
});

/**
 * Sounds that are in both the training and the test set of a split; docs/evaluation.md explains how equal sounds are
 * found.
 */
const leaks = z.strictObject({
  /** Number of sounds that have equal or overlapping clips on both sides of a split */
  sounds: count,
  /** Number of clips with these sounds */
  clips: count,
  groups: count,
  /** Number of splits that were checked */
  splits: count,
  /**
   * Some of these sounds, starting with those that occur in the most splits: ids of some of their clips, and the number
   * of splits
   */
  examples: z.array(z.strictObject({ clips: z.array(z.string()), splits: count })),
});

/** The content of results.json; docs/results.md explains every field. */
export const resultsSchema = z.strictObject({
  /**
   * Format 1 was used by earlier versions, whose intervals come from a bootstrap, and whose comparisons use accuracy by
   * fold
   */
  format: z.literal([1, FORMATS.results]),
  run: z.strictObject({ id: z.string(), name: z.string() }),
  /** Stored as written, since a later specSchema may not accept it. */
  spec: z.record(z.string(), z.unknown()),
  dataset: z.strictObject({
    name: z.string(),
    contentHash: z.string(),
    clips: count,
    classes: z.array(z.string()),
    groups: count,
    /** What the groups are and how they were determined; absent if not recorded, as in runs from earlier versions */
    groupSource: groupSourceSchema.optional(),
    perClass: z.array(z.strictObject({ label: z.string(), clips: count, groups: count })),
  }),
  protocol: z.strictObject({
    label: z.string(),
    splitter: z.string(),
    folds: count,
    repeats: count,
    seed: z.number(),
    groupsSpanning: count,
    /** Share of the clips that each split tests, if the splitter uses it */
    testSize: z.number().optional(),
  }),
  /**
   * Notes for readers of the figures, one sentence each, for example about classes without training clips, or about
   * missing calibration
   */
  notes: z.array(z.string()).optional(),
  /** Absent if the sounds were never compared, as in runs from earlier versions */
  leaks: leaks.optional(),
  /** Properties of the recordings by class (see docs/audit.md). Absent in runs from earlier versions */
  audit: auditSchema.optional(),
  ...evaluationSchema.shape,
  search: search.optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

export type Evaluation = z.infer<typeof evaluationSchema>;
export type ModelResults = z.infer<typeof modelSchema>;
export type Comparison = z.infer<typeof comparison>;
export type MissingFold = z.infer<typeof missingFold>;
export type SearchResults = z.infer<typeof search>;
export type TrialRow = z.infer<typeof trial>;
export type LeakFindings = z.infer<typeof leaks>;
export type RunResults = z.infer<typeof resultsSchema>;

/**
 * Parses results.json.
 * @param source bytes or text
 * @param name shown in messages
 * @throws CryfoldError JOB_INVALID with the artifact and the first invalid key
 */
export function decodeResults(source: Uint8Array | string, name: string): RunResults {
  return decodeRecord(resultsSchema, source, name);
}

/** The JSON Schema (draft 2020-12) of results.json, published as docs/results.schema.json. */
export function resultsJsonSchema(): object {
  return { title: `cryfold results.json, formats 1 and ${FORMATS.results}`, ...z.toJSONSchema(resultsSchema) };
}
