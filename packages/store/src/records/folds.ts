import { CryfoldError, decodeNpy, decodeRecord, encodeNpy, encodeRecord, sha256 } from '@cryfold/core';
import type { Matrix } from '@cryfold/estimators';
import { type FoldResult, foldResultSchema } from '@cryfold/plan';
import type { ArtifactStore } from '../artifact-store.js';
import { readArtifact } from '../open-store.js';
import { storeKeys } from './keys.js';

/** A reference to immutable bytes: their key and their hash. */
export type ArtifactReference = FoldResult['probabilities'];

/** The log of an attempt. */
export interface AttemptLog {
  attempt: string;
  key: string;
  /** @returns undefined if the log was deleted in the meantime */
  read(): Promise<string | undefined>;
}

/** Records under `folds/<key>/`: the result, its matrices, and the logs of all attempts. */
export class FoldRecords {
  readonly #artifacts: ArtifactStore;

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  async has(fold: string): Promise<boolean> {
    return this.#artifacts.has(storeKeys.result(fold));
  }

  /**
   * @returns undefined if no result is committed
   * @throws CryfoldError JOB_INVALID, FORMAT_NEWER
   */
  async result(fold: string): Promise<FoldResult | undefined> {
    const key = storeKeys.result(fold);
    const bytes = await this.#artifacts.get(key);
    return bytes && decodeRecord(foldResultSchema, bytes, key);
  }

  /** Commits a result. @returns false if another attempt committed first */
  async commit(result: FoldResult): Promise<boolean> {
    return this.#artifacts.putIfAbsent(storeKeys.result(result.key), encodeRecord(result));
  }

  /** Removes a damaged result, so that the fold is trained again. */
  async drop(fold: string): Promise<void> {
    await this.#artifacts.delete(storeKeys.result(fold));
  }

  /** Returns the time at which a result was committed. */
  async committedAt(fold: string): Promise<Date | undefined> {
    return (await this.#artifacts.stat(storeKeys.result(fold)))?.modified;
  }

  /** Writes a matrix of an attempt as float64 npy. */
  async saveMatrix(fold: string, attempt: string, file: string, matrix: Matrix): Promise<ArtifactReference> {
    const bytes = encodeNpy(matrix.data, [matrix.rows, matrix.columns]);
    const key = storeKeys.attempt(fold, attempt, file);
    await this.#artifacts.put(key, bytes);
    return { key, sha256: sha256(bytes) };
  }

  /**
   * @param shape expected rows and columns
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, NPY_INVALID
   */
  async matrix({ key, sha256: hash }: ArtifactReference, shape?: readonly [number, number]): Promise<Float64Array> {
    const found = decodeNpy(await readArtifact(this.#artifacts, key, hash), '<f8', 2, key);
    if (!shape || (found.shape[0] === shape[0] && found.shape[1] === shape[1])) return found.data;
    throw new CryfoldError('ARTIFACT_CORRUPT', `${key} has shape ${found.shape}, not ${shape}`, { context: { key } });
  }

  /**
   * Returns the matrix from which the classes of a fold are predicted: decision values if there are any, otherwise
   * probabilities.
   */
  async scores(result: FoldResult): Promise<Float64Array> {
    return this.matrix(result.decisions ?? result.probabilities);
  }

  async saveLog(fold: string, attempt: string, bytes: Uint8Array): Promise<string> {
    const key = storeKeys.log(fold, attempt);
    await this.#artifacts.put(key, bytes);
    return key;
  }

  /** Lists the stored logs of a fold's attempts. Each log is read only on request. */
  async *logs(fold: string): AsyncIterable<AttemptLog> {
    for await (const key of this.#artifacts.list(`folds/${fold}/`)) {
      const attempt = key.split('/')[2];
      if (key !== storeKeys.log(fold, attempt)) continue;
      const read = async () => {
        const bytes = await this.#artifacts.get(key);
        return bytes && new TextDecoder().decode(bytes);
      };
      yield { attempt, key, read };
    }
  }

  /** Returns the keys of everything that a result refers to, starting with the key of the record itself. */
  keysOf({ key, probabilities, decisions, model = [] }: FoldResult): string[] {
    return [
      storeKeys.result(key),
      ...[probabilities, ...(decisions ? [decisions] : []), ...model].map((one) => one.key),
    ];
  }

  /** Returns the folder of an attempt's trained model; the path ends in `/`. */
  modelFolder(fold: string, attempt: string): string {
    return storeKeys.attempt(fold, attempt, 'model/');
  }

  /** Returns the key of the state from which attempts of a fold resume. */
  checkpoint(fold: string): string {
    return storeKeys.checkpoint(fold);
  }
}
