import { type CryfoldError, isObject } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import { DEFAULT_FEATURES, type FeatureSet, featureKindOf } from '@cryfold/features/kinds';
import type { Spec } from './spec-schema.js';

/**
 * Converts a spec's features to the form in which specs are stored. In a spec as written, `features` is one feature
 * set, or several named ones, the first of which is the default. In a stored spec, `features` is the default set and
 * `featureSets` contains the others; an estimator refers to a feature set by name only if it is not the default one.
 * @param value a spec as written, of any shape
 */
export function normalizeFeatures(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.features)) return value;
  const written = Object.entries(value.features);
  const named = written.length > 0 && written.every(([, set]) => isObject(set));
  const sets = (named ? written : [[String(value.features.kind ?? DEFAULT_FEATURES), value.features]]).map(
    ([name, set]) => [String(name), withKind(set)] as const,
  );
  const [[name, features], ...others] = sets;
  const estimators = isObject(value.estimators)
    ? Object.fromEntries(Object.entries(value.estimators).map(([key, one]) => [key, withoutDefault(one, name)]))
    : value.estimators;
  return {
    ...value,
    features,
    ...(others.length > 0 ? { featureSets: Object.fromEntries(others) } : {}),
    ...(estimators === undefined ? {} : { estimators }),
  };
}

/** The keys of an estimator that refer to feature sets. */
const NAMING: ReadonlySet<string> = new Set(['features', 'vectors']);

function withKind(set: unknown): unknown {
  return isObject(set) ? { kind: DEFAULT_FEATURES, ...set } : set;
}

function withoutDefault(estimator: unknown, name: string): unknown {
  if (!isObject(estimator)) return estimator;
  return Object.fromEntries(Object.entries(estimator).filter(([key, value]) => !NAMING.has(key) || value !== name));
}

/** Returns all feature sets of a spec, the default one first. */
export function allFeatureSets({ features, featureSets }: Pick<Spec, 'features' | 'featureSets'>): FeatureSet[] {
  return [features, ...Object.values(featureSets ?? {})];
}

/** Returns the feature set that an estimator of a spec reads. */
export function featuresOf(spec: Pick<Spec, 'features' | 'featureSets' | 'estimators'>, trial: string): FeatureSet {
  const { features: name } = spec.estimators[trial];
  return (name !== undefined && spec.featureSets?.[name]) || spec.features;
}

/** Returns the name of the additional vectors that an estimator reads; undefined for the spec's first feature set. */
const vectorsName = (estimator: object): string | undefined =>
  'vectors' in estimator && typeof estimator.vectors === 'string' ? estimator.vectors : undefined;

/** Returns the feature set of vectors that an estimator reads in addition to the one from `featuresOf`, if any. */
export function vectorsOf(
  spec: Pick<Spec, 'features' | 'featureSets' | 'estimators'>,
  trial: string,
): FeatureSet | undefined {
  const estimator = spec.estimators[trial];
  if (!kindOf(estimator).readsVectors) return undefined;
  return spec.featureSets?.[vectorsName(estimator) ?? ''] ?? spec.features;
}

/** Like `featureKeyOf`, but for the set that `vectorsOf` returns. */
export function vectorsKeyOf(
  { features, spec }: { features: { key: string; sets?: Record<string, string> | undefined }; spec: Spec },
  trial: string,
): string | undefined {
  const estimator = spec.estimators[trial];
  if (!kindOf(estimator).readsVectors) return undefined;
  return features.sets?.[vectorsName(estimator) ?? ''] ?? features.key;
}

/** Creates the error for a key of the spec. */
type Invalid = (key: string, message: string) => CryfoldError;

/**
 * Checks that the feature sets that estimators read exist and suit them, and that all feature sets use the same clip
 * length.
 * @throws CryfoldError the error that `invalid` creates
 */
export function checkFeatureSets(spec: Spec, invalid: Invalid): void {
  const { clipSeconds } = spec.features;
  for (const [name, set] of Object.entries(spec.featureSets ?? {})) {
    if (set.clipSeconds === clipSeconds) continue;
    throw invalid(`features.${name}.clipSeconds`, `all feature sets need the same clip length: ${clipSeconds}`);
  }
  for (const [trial, estimator] of Object.entries(spec.estimators)) {
    const known = Object.keys(spec.featureSets ?? {});
    for (const [key, name] of [
      ['features', estimator.features],
      ['vectors', vectorsName(estimator)],
    ] as const) {
      if (name === undefined || known.includes(name)) continue;
      throw invalid(`estimators.${trial}.${key}`, `there is no feature set ${name}; known sets: ${known.join(', ')}`);
    }
    checkRows(spec, trial, invalid);
  }
}

/** Throws if an estimator cannot read its feature sets. */
function checkRows(spec: Spec, trial: string, invalid: Invalid): void {
  const estimator = spec.estimators[trial];
  const { reads, smallestImage = 1 } = kindOf(estimator);
  const besides = vectorsOf(spec, trial);
  if (besides && featureKindOf(besides).produces !== 'vectors') {
    const why = `${estimator.kind} also reads vectors, but ${besides.kind} produces images: choose a feature set of vectors`;
    throw invalid(`estimators.${trial}.vectors`, why);
  }
  const set = featuresOf(spec, trial);
  const { kind, produces, shape } = featureKindOf(set);
  if (reads !== 'any' && reads !== produces) {
    throw invalid(`estimators.${trial}.features`, `${estimator.kind} reads ${reads}, but ${kind} produces ${produces}`);
  }
  const [height, width] = shape(set);
  if (produces === 'vectors' || Math.min(height, width) >= smallestImage) return;
  const needed = `${estimator.kind} needs images of at least ${smallestImage} x ${smallestImage} pixels`;
  throw invalid(`estimators.${trial}.features`, `${needed}, but these have ${height} x ${width}`);
}
