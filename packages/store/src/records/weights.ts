import type { ArtifactStore } from '../artifact-store.js';
import { storeKeys } from './keys.js';

/** How a spec names weights that are in the store. @param hash hex sha256 of the file */
export const weightsReference = (hash: string): string => `store:${storeKeys.weights(hash)}#sha256=${hash}`;

/** Pretrained weights under `weights/`, each file named by its hash. */
export class WeightsRecords {
  readonly #artifacts: ArtifactStore;

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  /** @param hash hex sha256 of the file */
  key(hash: string): string {
    return storeKeys.weights(hash);
  }

  async has(hash: string): Promise<boolean> {
    return this.#artifacts.has(storeKeys.weights(hash));
  }

  /**
   * Stores a file unless it exists. `content` is only called if it has to be read.
   * @returns whether it was stored
   */
  async put(hash: string, content: () => AsyncIterable<Uint8Array>): Promise<boolean> {
    if (await this.has(hash)) return false;
    return this.#artifacts.putStreamIfAbsent(storeKeys.weights(hash), content(), hash);
  }
}
