import { type ArtifactStore, readArtifact } from '@cryfold/artifacts';
import {
  type DatasetManifest,
  decodeManifest,
  decodeNpy,
  deriveSeed,
  type EpochPoint,
  Random,
  sha256,
  storeKeys,
} from '@cryfold/core';
import type { FoldOutput, Matrix, Task } from './messages.js';

/** What a training child loads: the networks or the SVM, each without the other. */
export interface Engine {
  run(
    task: Task,
    store: ArtifactStore,
    onProgress: (done: number, total: number) => void,
    onEpoch: (point: EpochPoint) => void,
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

/** The labels that a fold is trained on: all clips', or with those of the training rows shuffled among these. */
export function trainingLabels(labels: Int32Array, { train, seed, shuffled }: Task & { kind: 'fold' }): Int32Array {
  if (!shuffled) return labels;
  const random = new Random(deriveSeed(seed, 'shuffled labels'));
  const own = labels.slice();
  for (let i = train.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [own[train[i]], own[train[j]]] = [own[train[j]], own[train[i]]];
  }
  return own;
}

/** Share of rows whose largest score, the first of equals, is that of their class; rows in the order of `test`. */
export function accuracyOf({ rows, columns, data }: Matrix, labels: Int32Array, test: ArrayLike<number>): number {
  let hits = 0;
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let c = 1; c < columns; c++) if (data[row * columns + c] > data[row * columns + best]) best = c;
    if (best === labels[test[row]]) hits++;
  }
  return rows === 0 ? 0 : hits / rows;
}

/** uint8 images, clips x height x width x 3. */
export async function readImages(store: ArtifactStore, features: string) {
  const key = storeKeys.images(features);
  return decodeNpy(await readArtifact(store, key), '|u1', 4, key);
}

/** Writes a trained model's files, and gives what a record says of them. */
export async function saveModelFiles(
  store: ArtifactStore,
  folder: string,
  files: Iterable<readonly [string, Uint8Array]>,
): Promise<{ key: string; sha256: string }[]> {
  const artifacts: { key: string; sha256: string }[] = [];
  for (const [name, bytes] of files) {
    const key = `${folder}${name}`;
    await store.put(key, bytes);
    artifacts.push({ key, sha256: sha256(bytes) });
  }
  return artifacts;
}
