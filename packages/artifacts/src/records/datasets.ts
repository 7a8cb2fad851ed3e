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

  /** Where a feature array is, for messages that name it. */
  featuresKey(features: string): string {
    return storeKeys.images(features);
  }

  async hasFeatures(features: string): Promise<boolean> {
    return this.#artifacts.has(storeKeys.images(features));
  }

  /** @throws CryfoldError ARTIFACT_MISSING, NPY_INVALID */
  async features(features: string): Promise<FeatureArray & { data: Uint8Array }> {
    const key = storeKeys.images(features);
    return decodeNpy(await readArtifact(this.#artifacts, key), '|u1', 4, key);
  }

  async saveFeatures(features: string, { data, shape }: FeatureArray): Promise<void> {
    await this.#artifacts.put(storeKeys.images(features), encodeNpy(data, [...shape]));
  }
}
