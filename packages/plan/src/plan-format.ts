import { FORMATS } from '@cryfold/core';
import type { Estimator } from '@cryfold/estimators';
import { z } from 'zod';
import { allFeatureSets } from './feature-sets.js';
import type { Spec } from './spec-schema.js';

/**
 * Format 2 is used if there is more than one feature set, or a protocol or key that format 1 does not support; format 3
 * if the spec defines how recordings are cut; and format 4 if the spec uses something that format 3 does not support: a
 * kind of estimator, a kind or option of a feature set, an augmentation or a balance
 */
export const PLAN_FORMATS = [1, 2, 3, FORMATS.plan] as const;

type PlanFormat = (typeof PLAN_FORMATS)[number];

/** Splitters that plans of format 1 may contain. */
const FIRST_SPLITTERS: ReadonlySet<string> = new Set([
  ...['RepeatedKFold', 'RepeatedStratifiedKFold', 'KFold', 'StratifiedKFold', 'GroupKFold', 'StratifiedGroupKFold'],
]);

/** Kinds of estimators that plans of formats 1 to 3 may contain. */
const FIRST_KINDS: ReadonlySet<string> = new Set(['small-cnn', 'tl-resnet50', 'svm']);

/** Feature sets that plans of formats 1 to 3 may contain. */
const firstFeatures = z.strictObject({
  kind: z.literal('spectrogram'),
  height: z.number().max(513),
  width: z.number().max(800),
  clipSeconds: z.number(),
});

/** Keys and searchable parameters that formats 1 to 3 do not support for estimators of these kinds. */
const LATER_MEMBERS = /^(augment|balance)\b/;

/** Returns the oldest format that can represent a spec, so that older versions can read as many plans as possible. */
export function planFormat(spec: Spec): PlanFormat {
  if (allFeatureSets(spec).some((set) => !firstFeatures.safeParse(set).success)) return FORMATS.plan;
  const estimators = Object.entries(spec.estimators);
  if (estimators.some(([name, estimator]) => isLaterEstimator(estimator, spec.search?.space[name])))
    return FORMATS.plan;
  if (spec.hopSeconds !== undefined || spec.shortClips !== undefined) return 3;
  return isFirstFormat(spec) ? 1 : 2;
}

/**
 * Whether the first versions of cryfold reject an estimator because they do not support its kind or its members.
 * @param searched parameters that a sweep varies
 */
export function isLaterEstimator(estimator: Estimator, searched: object = {}): boolean {
  if (!FIRST_KINDS.has(estimator.kind)) return true;
  return [estimator, searched].flatMap(Object.keys).some((key) => LATER_MEMBERS.test(key));
}

/**
 * Whether the first version of cryfold can read the spec. Like the current schema, that version's schema rejects
 * unknown keys.
 */
function isFirstFormat({ featureSets, metric, priority, maxParallel, protocol }: Spec): boolean {
  const later = featureSets ?? metric ?? priority ?? maxParallel;
  return later === undefined && FIRST_SPLITTERS.has(protocol.splitter);
}
