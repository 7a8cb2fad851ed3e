import { decodeNpy, encodeNpy, encodeRecord } from '@cryfold/core';
import type { FeatureArray } from '@cryfold/estimators';
import { type DatasetManifest, decodeManifest } from '@cryfold/plan';
import type { ArtifactStore } from '../artifact-store.js';
import { readArtifact } from '../open-store.js';
import { replaceRecord } from '../replace-record.js';
import { storeKeys } from './keys.js';

/** Manifests under `datasets/<key>/` and feature arrays under `features/<key>/`. */
export class DatasetRecords {
  readonly #artifacts: ArtifactStore;

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  /** @throws CryfoldError ARTIFACT_MISSING, JOB_INVALID, FORMAT_NEWER */
  async manifest(dataset: string): Promise<DatasetManifest> {
    const key = storeKeys.manifest(dataset);
    return decodeManifest(await readArtifact(this.#artifacts, key), key);
  }

  /** Stores a manifest, over an equal or a damaged one. @throws CryfoldError FORMAT_NEWER */
  async saveManifest(manifest: DatasetManifest): Promise<void> {
    const key = storeKeys.manifest(manifest.contentHash);
    await replaceRecord(this.#artifacts, key, encodeRecord(manifest), decodeManifest);
  }

  async hasFeatures(features: string): Promise<boolean> {
    const [images, vectors] = featureFiles(features);
    return (await this.#artifacts.has(images.key)) || this.#artifacts.has(vectors.key);
  }

  /** @throws CryfoldError ARTIFACT_MISSING, NPY_INVALID */
  async features(features: string): Promise<FeatureArray> {
    const [images, vectors] = featureFiles(features);
    const bytes = await this.#artifacts.get(vectors.key);
    if (bytes) return decodeNpy(bytes, '<f4', 2, vectors.key);
    return decodeNpy(await readArtifact(this.#artifacts, images.key), '|u1', 4, images.key);
  }

  async saveFeatures(features: string, { data, shape }: FeatureArray): Promise<void> {
    const [images, vectors] = featureFiles(features);
    const { key } = data instanceof Uint8Array ? images : vectors;
    await this.#artifacts.put(key, encodeNpy(data, [...shape]));
  }
}

/** Where a feature set's array is: images as uint8, vectors as float32. */
function featureFiles(features: string) {
  return [{ key: storeKeys.images(features) }, { key: storeKeys.vectors(features) }] as const;
}
