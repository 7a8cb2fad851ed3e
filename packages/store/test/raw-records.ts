import { encodeRecord } from '@cryfold/core';
import type { ArtifactStore } from '../src/artifact-store.js';
import { storeKeys } from '../src/records/keys.js';

/** One stored record, for tests that damage, replace or remove its bytes. */
export class RawRecord {
  readonly #store: ArtifactStore;

  constructor(
    store: ArtifactStore,
    readonly key: string,
  ) {
    this.#store = store;
  }

  /** @throws Error if there is no such record */
  async read(): Promise<Uint8Array> {
    const bytes = await this.#store.get(this.key);
    if (!bytes) throw new Error(`the store has no ${this.key}`);
    return bytes;
  }

  /**
   * @param content bytes, which are written unchanged; text, which is encoded as UTF-8; or any other value, which is
   * encoded as a record
   */
  async write(content: Uint8Array | string | object): Promise<void> {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    await this.#store.put(this.key, bytes instanceof Uint8Array ? bytes : encodeRecord(bytes));
  }

  async delete(): Promise<void> {
    await this.#store.delete(this.key);
  }
}

/** Gives access to the records of a store by kind, whether or not they are readable. */
export function rawRecords(store: ArtifactStore) {
  const at = (key: string) => new RawRecord(store, key);
  return {
    plan: (run: string) => at(storeKeys.plan(run)),
    results: (run: string) => at(storeKeys.results(run)),
    failure: (run: string, fold: string) => at(storeKeys.failure(run, fold)),
    searchRecord: (run: string, number: number) => at(storeKeys.searchRecord(run, number)),
    fold: (fold: string) => at(storeKeys.result(fold)),
  };
}
