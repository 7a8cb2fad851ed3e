import { decodeRecord, FORMATS, LIMITS } from '@cryfold/core';
import { z } from 'zod';
import { UNTESTABLE } from './predictability.js';

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const text = z.string().max(LIMITS.text);
const label = z.string().max(LIMITS.label);

/** Properties that depend on how a file was made, and properties of its sound. */
export const FILE_PROPERTIES = ['format', 'rate', 'bits', 'channels'] as const;
const SOUND_PROPERTIES = ['seconds', 'level', 'bandwidth', 'silence', 'clipping'] as const;
export const PROPERTIES = [...FILE_PROPERTIES, ...SOUND_PROPERTIES] as const;
export type Property = (typeof PROPERTIES)[number];

/** Quantiles: 5 %, 50 % and 95 % of the recordings have at most these values. */
const spread = z.strictObject({ low: z.number(), median: z.number(), high: z.number() });
/** The most frequent values, at most ten */
const values = z.array(z.strictObject({ value: z.union([z.number(), text]), recordings: count })).max(10);

const perClass = z.strictObject({
  label,
  recordings: count,
  clips: count,
  seconds: z.number().nonnegative(),
  groups: count,
  /** Number of recordings per group: median and maximum */
  recordingsPerGroup: z.strictObject({ median: z.number(), most: count }),
  formats: values,
  /** Hz */
  rates: values,
  /** Bits per stored sample, 0 for lossy codecs */
  bits: values,
  channels: values,
  duration: spread,
  /** RMS level, dBFS */
  level: spread,
  /** Bandwidth, Hz */
  bandwidth: spread,
  /** Mean share of silent frames and of clipped samples */
  silence: share,
  clipping: share,
});

/** An upper limit on the number of properties */
const LISTED = 20;
const prediction = { balancedAccuracy: share, pValue: share };
const property = z.enum(PROPERTIES);

const findingSchema = z.strictObject({
  kind: z.enum([
    'property-tells-class',
    'file-properties-predict',
    'sound-properties-predict',
    'few-recordings',
    'few-groups',
    'groups-in-one-class',
    'groups-unknown',
    'sounds-in-several-classes',
    'shared-sounds',
    'untested',
  ]),
  severity: z.enum(['warning', 'note']),
  text: z.string().max(8 * LIMITS.text),
});

export const auditSchema = z.strictObject({
  recordings: count,
  clips: count,
  groups: count,
  groupsKnown: z.boolean(),
  perClass: z.array(perClass).max(LIMITS.classes),
  /** Number of sounds that occur in several equal or overlapping clips, and the number of these clips */
  sounds: z.strictObject({ shared: count, clips: count, inSeveralClasses: count, inSeveralGroups: count }),
  /** Whether a decision tree on properties of recordings predicts the class, or why that was not tested */
  predictability: z.union([
    z.strictObject({
      recordings: count,
      classes: count,
      groups: count.optional(),
      folds: count,
      sets: z
        .array(
          z.strictObject({ name: z.enum(['file', 'all']), properties: z.array(property).max(LISTED), ...prediction }),
        )
        .max(2),
      alone: z.array(z.strictObject({ property, ...prediction })).max(LISTED),
    }),
    z.enum(UNTESTABLE),
  ]),
  findings: z.array(findingSchema).max(100),
});

/** Findings of an audit of a dataset's recordings; docs/audit.md explains them. */
export type Audit = z.infer<typeof auditSchema>;
export type Finding = z.infer<typeof findingSchema>;

const recordSchema = z.strictObject({ format: z.literal(FORMATS.audit), audit: auditSchema });

/** Decodes `datasets/<dataset>/audit.json`. @throws CryfoldError JOB_INVALID, FORMAT_NEWER */
export function decodeAudit(bytes: Uint8Array, name: string): Audit {
  return decodeRecord(recordSchema, bytes, name).audit;
}
