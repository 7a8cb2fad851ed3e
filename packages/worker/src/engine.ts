import { type ArtifactStore, readArtifact } from '@cryfold/artifacts';
import { type DatasetManifest, decodeManifest, decodeNpy, storeKeys } from '@cryfold/core';
import type { FoldOutput, Task } from './messages.js';

/** What a training child loads: the networks or the SVM, each without the other. */
export interface Engine {
  run(
    task: Task,
    store: ArtifactStore,
    onProgress: (done: number, total: number) => void,
  ): Promise<FoldOutput | undefined>;
}

export interface LabelledData {
  manifest: DatasetManifest;
  /** class index of each clip */
  labels: Int32Array;
}

/** Keeps the last value by key: a warm child's folds nearly always share their inputs. */
export class LastValue<T> {
  #key: string | undefined;
  #value: T | undefined;

  async get(key: string, load: () => Promise<T>): Promise<T> {
    if (this.#key !== key) {
      this.#value = undefined;
      this.#value = await load();
      this.#key = key;
    }
    return this.#value as T;
  }
}

export async function readLabels(store: ArtifactStore, dataset: string): Promise<LabelledData> {
  const key = storeKeys.manifest(dataset);
  const manifest = decodeManifest(await readArtifact(store, key), key);
  const index = new Map(manifest.classes.map((label, i) => [label, i]));
  return { manifest, labels: Int32Array.from(manifest.clips, (clip) => index.get(clip.label) ?? -1) };
}

/** uint8 images, clips x height x width x 3. */
export async function readImages(store: ArtifactStore, features: string) {
  const key = storeKeys.images(features);
  return decodeNpy(await readArtifact(store, key), '|u1', 4, key);
}
