import { kindOf } from '@cryfold/estimators';
import { resolveWeights, type WeightsSourceOptions } from '@cryfold/nn';
import type { Spec } from '@cryfold/plan';
import { type RunStore, weightsReference } from '@cryfold/store';

/** Where to fetch weights that are given by URL or store key, and where to cache them. */
export const weightsSources = (store: RunStore, cacheDirectory: string): WeightsSourceOptions => ({
  cacheDirectory,
  fetchContent: async (key) => (await store.artifacts.open(key))?.stream,
});

type Parameters = NonNullable<Spec['search']>['space'][string];

/**
 * Replaces the sources of weights with references to their content. Workers can resolve these references, and keys do
 * not depend on where the files are. Each file is read once, so that invalid weights are refused before anything
 * starts.
 * @param files receives the files by sha256 (hex)
 * @throws CryfoldError WEIGHTS_NOT_FOUND, WEIGHTS_INVALID, WEIGHTS_UNREACHABLE
 */
export async function resolveSpecWeights(
  spec: Spec,
  options: WeightsSourceOptions,
  files: Map<string, string>,
): Promise<Spec> {
  const estimators: Spec['estimators'] = {};
  const space: Record<string, Parameters> = {};
  for (const [name, estimator] of Object.entries(spec.estimators)) {
    const { pretrained } = kindOf(estimator);
    estimators[name] = estimator;
    if (!pretrained) continue;
    const resolve = async <T>(source: T): Promise<T | string> => {
      if (typeof source !== 'string' || source === 'random') return source;
      const { path, sha256 } = await resolveWeights(source, options);
      await pretrained.verify(path);
      files.set(sha256, path);
      return weightsReference(sha256);
    };
    estimators[name] = pretrained.withSource(estimator, (await resolve(pretrained.source(estimator))) as string);
    const searched = spec.search?.space ?? {};
    if (Object.hasOwn(searched, name)) space[name] = await resolveSpace(searched[name], resolve);
  }
  const search = spec.search && { search: { ...spec.search, space: { ...spec.search.space, ...space } } };
  return { ...spec, estimators, ...search };
}

type Resolve = <T>(source: T) => Promise<T | string>;

/** Also resolves weights that are values in a sweep, or occur in the conditions of other parameters. */
async function resolveSpace(space: Parameters, resolve: Resolve): Promise<Parameters> {
  const resolved: Parameters = {};
  for (const [name, parameter] of Object.entries(space)) {
    let entry = parameter;
    if (name === 'weights' && 'choice' in entry) {
      entry = { ...entry, choice: await Promise.all(entry.choice.map(resolve)) };
    }
    const wanted = entry.when?.weights;
    if (wanted !== undefined) {
      const weights = Array.isArray(wanted) ? await Promise.all(wanted.map(resolve)) : await resolve(wanted);
      entry = { ...entry, when: { ...entry.when, weights } };
    }
    resolved[name] = entry;
  }
  return resolved;
}
