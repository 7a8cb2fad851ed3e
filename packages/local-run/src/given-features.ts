import { CryfoldError } from '@cryfold/core';
import type { Dataset } from '@cryfold/corpus';
import type { ComputedFeatures } from '@cryfold/features';
import { type FeatureSet, featureKindOf, type GivenClips } from '@cryfold/features/kinds';
import { allFeatureSets, featuresKey, type Spec } from '@cryfold/plan';

export interface GivenFeatures {
  /** The spec, with hashes that identify the content of the files */
  spec: Spec;
  /** Rows of each feature set, by its key */
  rows: Map<string, ComputedFeatures>;
}

/**
 * Reads the feature sets that the user provides as files, so that fold keys depend on their content.
 * @param folder folder of the spec, to which paths are relative
 * @param leftOut ids of clips that were excluded from the dataset, for which the files may still have rows
 * @throws CryfoldError FEATURES_INVALID
 */
export async function readGivenFeatures(
  spec: Spec,
  folder: string,
  dataset: Pick<Dataset, 'clips' | 'skipped' | 'contentHash'>,
  leftOut: readonly string[],
): Promise<GivenFeatures> {
  const clips: GivenClips = {
    ids: dataset.clips.map(({ id }) => id),
    leftOut,
    skipped: new Set(dataset.skipped.map(({ file }) => file)),
  };
  const rows = new Map<string, ComputedFeatures>();
  const read = async (set: FeatureSet): Promise<FeatureSet> => {
    const found = await featureKindOf(set).given?.read(set, folder, clips);
    if (!found) return set;
    rows.set(featuresKey(found.parameters, dataset.contentHash), found.rows);
    return found.parameters;
  };
  const features = await read(spec.features);
  if (!spec.featureSets) return { spec: { ...spec, features }, rows };
  const featureSets: Record<string, FeatureSet> = {};
  for (const [name, set] of Object.entries(spec.featureSets)) featureSets[name] = await read(set);
  return { spec: { ...spec, features, featureSets }, rows };
}

/**
 * Refuses `--test-on` for a spec that reads vectors from files. Such a file covers the clips of only one corpus, not
 * those of the corpus that `--test-on` adds.
 * @throws CryfoldError USAGE
 */
export function refuseGivenFeatures(spec: Pick<Spec, 'features' | 'featureSets'>): void {
  const given = allFeatureSets(spec).find((set) => featureKindOf(set).given);
  if (!given) return;
  throw new CryfoldError(
    'USAGE',
    `--test-on: the spec has features of kind: ${given.kind}, which only cover one corpus`,
    {
      context: { kind: given.kind },
      hint: 'Put both corpora into one folder as its subfolders train and test, and evaluate it with --protocol predefined.',
    },
  );
}
