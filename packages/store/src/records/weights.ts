import type { ArtifactStore } from '../artifact-store.js';
import { storeKeys } from './keys.js';

/** Returns the string that a spec contains to refer to weights in the store. @param hash sha256 of the file in hex */
export const weightsReference = (hash: string): string => `store:${storeKeys.weights(hash)}#sha256=${hash}`;

/** Pretrained weights under `weights/`, each file named by its hash. */
export class WeightsRecords {
  readonly #artifacts: ArtifactStore;

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  /** @param hash sha256 of the file in hex */
  key(hash: string): string {
    return storeKeys.weights(hash);
  }

  async has(hash: string): Promise<boolean> {
    return this.#artifacts.has(storeKeys.weights(hash));
  }

  /**
   * Stores a file unless it already exists. Calls `content` only if the file has to be written.
   * @returns whether the file was stored
   */
  async put(hash: string, content: () => AsyncIterable<Uint8Array>): Promise<boolean> {
    if (await this.has(hash)) return false;
    return this.#artifacts.putStreamIfAbsent(storeKeys.weights(hash), content(), hash);
  }
}
