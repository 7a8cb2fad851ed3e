import { decodeRecord, encodeRecord } from '@cryfold/core';
import { type FinalRequest, type FinalResult, finalRequestSchema, finalResultSchema } from '@cryfold/plan';
import type { ArtifactStore } from '../artifact-store.js';
import { readArtifact } from '../open-store.js';
import { storeKeys } from './keys.js';

/** Records under `finals/<key>/`: estimators trained on all clips. */
export class FinalRecords {
  readonly #artifacts: ArtifactStore;

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  /** @returns undefined if the estimator has not been trained yet */
  async result(key: string): Promise<FinalResult | undefined> {
    const bytes = await this.#artifacts.get(storeKeys.final(key));
    return bytes && decodeRecord(finalResultSchema, bytes, storeKeys.final(key));
  }

  /** Commits a result. @returns false if another process committed first */
  async commit(result: FinalResult): Promise<boolean> {
    return this.#artifacts.putIfAbsent(storeKeys.final(result.key), encodeRecord(result));
  }

  /** @throws CryfoldError ARTIFACT_MISSING, JOB_INVALID */
  async request(key: string): Promise<FinalRequest> {
    const name = storeKeys.finalRequest(key);
    return decodeRecord(finalRequestSchema, await readArtifact(this.#artifacts, name), name);
  }

  async saveRequest(request: FinalRequest): Promise<void> {
    await this.#artifacts.put(storeKeys.finalRequest(request.key), encodeRecord(request));
  }

  /** Returns the folder of an attempt's trained model; the path ends in `/`. */
  folder(key: string, attempt: string): string {
    return storeKeys.finalAttempt(key, attempt);
  }

  /** Returns the key of the state from which an interrupted training resumes. */
  checkpoint(key: string): string {
    return storeKeys.finalCheckpoint(key);
  }
}
