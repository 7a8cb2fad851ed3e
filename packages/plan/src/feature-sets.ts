import { type CryfoldError, isObject } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import { DEFAULT_FEATURES, type FeatureSet, featureKindOf } from '@cryfold/features/kinds';
import type { Spec } from './spec-schema.js';

/**
 * Brings a spec's features into the form in which specs are stored. As written, `features` is one feature set, or
 * several by name of which the first is the default; as stored, `features` is the default one, `featureSets` has the
 * others, and an estimator names a feature set only where it does not read the default one.
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

function withKind(set: unknown): unknown {
  return isObject(set) ? { kind: DEFAULT_FEATURES, ...set } : set;
}

function withoutDefault(estimator: unknown, name: string): unknown {
  if (!isObject(estimator) || estimator.features !== name) return estimator;
  const { features: _, ...rest } = estimator;
  return rest;
}

/** The feature set that an estimator of a spec reads. */
export function featuresOf(spec: Pick<Spec, 'features' | 'featureSets' | 'estimators'>, trial: string): FeatureSet {
  const { features: name } = spec.estimators[trial];
  return (name !== undefined && spec.featureSets?.[name]) || spec.features;
}

/**
 * Checks that estimators read feature sets that exist and suit them, and that all sets have clips of one length.
 * @throws CryfoldError as `invalid` makes it
 */
export function checkFeatureSets(spec: Spec, invalid: (key: string, message: string) => CryfoldError): void {
  const { clipSeconds } = spec.features;
  for (const [name, set] of Object.entries(spec.featureSets ?? {})) {
    if (set.clipSeconds === clipSeconds) continue;
    throw invalid(`features.${name}.clipSeconds`, `all feature sets have the same: ${clipSeconds}`);
  }
  for (const [trial, estimator] of Object.entries(spec.estimators)) {
    const { features: name } = estimator;
    const known = Object.keys(spec.featureSets ?? {});
    if (name !== undefined && !known.includes(name)) {
      throw invalid(`estimators.${trial}.features`, `no feature set is named ${name}; there are: ${known.join(', ')}`);
    }
    const { reads, smallestImage = 1 } = kindOf(estimator);
    const set = featuresOf(spec, trial);
    const { kind, produces, shape } = featureKindOf(set);
    if (reads !== 'any' && reads !== produces) {
      throw invalid(`estimators.${trial}.features`, `${estimator.kind} reads ${reads}, and ${kind} gives ${produces}`);
    }
    const [height, width] = shape(set);
    if (produces === 'vectors' || Math.min(height, width) >= smallestImage) continue;
    const needed = `${estimator.kind} needs images of at least ${smallestImage} x ${smallestImage} pixels`;
    throw invalid(`estimators.${trial}.features`, `${needed}, and these are ${height} x ${width}`);
  }
}
