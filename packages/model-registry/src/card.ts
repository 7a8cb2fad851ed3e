import { decodeRecord, FORMATS, groupSourceSchema } from '@cryfold/core';
import { estimatorKinds } from '@cryfold/estimators';
import { FUSION_RULES, METRIC_NAMES } from '@cryfold/evaluation';
import { featureSetSchema } from '@cryfold/features/kinds';
import { z } from 'zod';

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const orUndefined = z.number().nullable();
const interval = z.strictObject({ low: z.number(), high: z.number() });

/** A path relative to the model's folder. It cannot point outside of the folder or the store. */
const path = z.string().regex(/^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/);

const summary = z.strictObject({
  mean: z.number(),
  standardDeviation: orUndefined,
  minimum: z.number(),
  maximum: z.number(),
});

/**
 * Cross-validation results of the configuration. They describe models that were trained on parts of the data, not this
 * model.
 */
const metricsSchema = z.strictObject({
  run: z.string(),
  protocol: z.string(),
  splitter: z.string(),
  folds: count,
  repeats: count,
  seed: z.number(),
  /**
   * Whether groups are known, clips share them, and no group was in both train and test of a fold. In older cards:
   * whether the splitter keeps groups together
   */
  grouped: z.boolean(),
  /**
   * The protocol and the metric of the run. Absent from older cards, whose runs used accuracy or the metric of a sweep
   */
  metric: z.enum(METRIC_NAMES).optional(),
  /** Leaks between train and test of the same split; absent if unknown */
  leaks: z.strictObject({ sounds: count, groups: count }).optional(),
  /**
   * Warnings to read before these figures, one sentence each, for example about leaks, overly optimistic figures, and
   * problems with folds; absent if there are no warnings
   */
  warnings: z.array(z.string()).optional(),
  /** Summary of the values of all folds */
  accuracy: summary,
  balancedAccuracy: summary,
  macroF1: summary,
  logLoss: summary,
  /**
   * The same metrics pooled over all test predictions, which differ from the means over folds. `intervals` refers to
   * these figures. Absent from older cards
   */
  pooled: z
    .strictObject({ accuracy: z.number(), balancedAccuracy: z.number(), macroF1: z.number(), logLoss: z.number() })
    .nullable()
    .optional(),
  /**
   * Intervals of the pooled figures, over groups. Null if there is only one group; an interval is null if its figure
   * does not vary between groups
   */
  intervals: z
    .strictObject({
      level: z.number(),
      accuracy: interval.nullable(),
      balancedAccuracy: interval.nullable(),
      macroF1: interval.nullable(),
    })
    .nullable(),
  /** Pooled, like `confusion` */
  perClass: z.array(z.strictObject({ label: z.string(), recall: orUndefined, precision: orUndefined })),
  confusion: z.array(z.array(count)),
  majorityShare: z.number(),
});

const cardSchema = z.strictObject({
  /**
   * Formats 1 and 2 lack the pooled figures; format 2 was used if a member reads its own feature set. Format 4 is used
   * if the run's plan has format 4, because programs that read format 3 do not support its kinds and options
   */
  format: z.literal([1, 2, 3, FORMATS.card]),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/),
  version: z.string().regex(/^[0-9a-f]{12}$/),
  created: z.iso.datetime(),
  cryfold: z.strictObject({ version: z.string(), foldFormat: z.int() }),
  notice: z.string(),
  intendedUse: z.string(),
  limits: z.array(z.string()),
  /**
   * The run that used these parameters; `of` is the name of the estimator or fusion from that run that became this
   * model
   */
  run: z.string(),
  of: z.string(),
  predictedBy: z.enum(['probabilities', 'decisions']),
  /** The spec of the run, as it was written */
  spec: z.record(z.string(), z.unknown()),
  data: z.strictObject({
    name: z.string(),
    contentHash: hex,
    clips: count,
    groups: count,
    grouped: z.boolean(),
    /** What groups are and how they were determined; absent if the run does not record this */
    groupSource: groupSourceSchema.optional(),
    classes: z.array(z.strictObject({ label: z.string(), clips: count, groups: count })),
    /** Sampling rates in Hz; absent if the run does not record them */
    rates: z.array(z.strictObject({ rate: z.number().positive(), clips: count })).optional(),
  }),
  /** The feature set that members read by default */
  features: featureSetSchema,
  /** `final` is the key of the trained estimator in the store */
  members: z
    .array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(estimatorKinds.map(({ kind }) => kind)),
        final: hex,
        folder: path,
        /** The member's feature set, if it differs from the model's */
        features: featureSetSchema.optional(),
        /** The additional vectors that the member reads */
        vectors: featureSetSchema.optional(),
      }),
    )
    .min(1),
  fusion: z.strictObject({ rule: z.enum(FUSION_RULES), file: path }).nullable(),
  /** For a sweep: how the parameters of the members were chosen */
  search: z
    .strictObject({
      algorithm: z.string(),
      metric: z.string(),
      /** Whether the figures come from nested cross-validation. If not, they are too optimistic */
      nested: z.boolean(),
      winners: z.array(
        z.strictObject({
          member: z.string(),
          trial: z.string().nullable(),
          parameters: z.record(z.string(), z.unknown()),
          /**
           * Number of complete trials. The winner was chosen among all started trials; older cards do not contain their
           * number
           */
          among: count,
          begun: count.optional(),
          /** Mean of the metric over the folds on which the winner was chosen */
          plain: orUndefined,
          /**
           * Score pooled over clips, and the same score corrected for the selection; `pooled` is absent from older
           * cards
           */
          pooled: orUndefined.optional(),
          corrected: z.strictObject({ mean: z.number(), low: z.number(), high: z.number() }).nullable(),
        }),
      ),
    })
    .optional(),
  metrics: z.array(metricsSchema),
  environment: z.record(z.string(), z.string()),
  files: z.array(z.strictObject({ path, sha256: hex, bytes: count })),
});

export type ModelCard = z.infer<typeof cardSchema>;
export type CardMetrics = z.infer<typeof metricsSchema>;

/** @throws CryfoldError JOB_INVALID with the name of the artifact */
export function decodeCard(bytes: Uint8Array, name: string): ModelCard {
  return decodeRecord(cardSchema, bytes, name);
}
