import { decodeNpy, encodeNpy, encodeRecord, FORMATS } from '@cryfold/core';
import type { FeatureArray } from '@cryfold/estimators';
import { type Audit, decodeAudit } from '@cryfold/evaluation';
import { type DatasetManifest, decodeManifest, decodeSharedSounds } from '@cryfold/plan';
import type { ArtifactStore } from '../artifact-store.js';
import { readArtifact } from '../open-store.js';
import { replaceRecord } from '../replace-record.js';
import { storeKeys } from './keys.js';

/** Manifests, shared sounds and audits under `datasets/<key>/` and feature arrays under `features/<key>/`. */
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

  /** Stores a manifest, replacing an equal or damaged one. @throws CryfoldError FORMAT_NEWER */
  async saveManifest(manifest: DatasetManifest): Promise<void> {
    const key = storeKeys.manifest(manifest.contentHash);
    await replaceRecord(this.#artifacts, key, encodeRecord(manifest), decodeManifest);
  }

  /**
   * Returns the sounds that occur in more than one clip, each as the indices of its clips, or undefined if the clips
   * were never compared.
   * @throws CryfoldError JOB_INVALID, FORMAT_NEWER
   */
  async sharedSounds(dataset: string): Promise<number[][] | undefined> {
    const key = storeKeys.sounds(dataset);
    const bytes = await this.#artifacts.get(key);
    return bytes && decodeSharedSounds(bytes, key).sounds;
  }

  /** Stores shared sounds, replacing an earlier or damaged record. @throws CryfoldError FORMAT_NEWER */
  async saveSharedSounds(dataset: string, sounds: readonly (readonly number[])[]): Promise<void> {
    const bytes = encodeRecord({ format: FORMATS.sounds, sounds });
    await replaceRecord(this.#artifacts, storeKeys.sounds(dataset), bytes, decodeSharedSounds);
  }

  /**
   * Returns the audit of the recordings; undefined if an earlier version of cryfold wrote the store. @throws
   * CryfoldError JOB_INVALID, FORMAT_NEWER
   */
  async audit(dataset: string): Promise<Audit | undefined> {
    const key = storeKeys.audit(dataset);
    const bytes = await this.#artifacts.get(key);
    return bytes && decodeAudit(bytes, key);
  }

  /** Stores an audit, replacing an earlier or damaged one. @throws CryfoldError FORMAT_NEWER */
  async saveAudit(dataset: string, audit: Audit): Promise<void> {
    const bytes = encodeRecord({ format: FORMATS.audit, audit });
    await replaceRecord(this.#artifacts, storeKeys.audit(dataset), bytes, decodeAudit);
  }

  /**
   * Returns the possible keys of a feature set's array, for messages and garbage collection. Exactly one of them
   * exists.
   */
  featureFiles(features: string): { images: string; vectors: string } {
    return { images: storeKeys.images(features), vectors: storeKeys.vectors(features) };
  }

  async hasFeatures(features: string): Promise<boolean> {
    const { images, vectors } = this.featureFiles(features);
    return (await this.#artifacts.has(images)) || this.#artifacts.has(vectors);
  }

  /** @throws CryfoldError ARTIFACT_MISSING, NPY_INVALID */
  async features(features: string): Promise<FeatureArray> {
    const { vectors } = this.featureFiles(features);
    const bytes = await this.#artifacts.get(vectors);
    if (bytes) return decodeNpy(bytes, '<f4', 2, vectors);
    return this.images(features);
  }

  /** Reads a feature set of images: clips x height x width x 3. @throws CryfoldError ARTIFACT_MISSING, NPY_INVALID */
  async images(features: string): Promise<FeatureArray & { data: Uint8Array }> {
    const key = storeKeys.images(features);
    return decodeNpy(await readArtifact(this.#artifacts, key), '|u1', 4, key);
  }

  async saveFeatures(features: string, { data, shape }: FeatureArray): Promise<void> {
    const { images, vectors } = this.featureFiles(features);
    await this.#artifacts.put(data instanceof Uint8Array ? images : vectors, encodeNpy(data, [...shape]));
  }
}
