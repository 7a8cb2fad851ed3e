import { isNewer } from '@cryfold/core';
import type { ArtifactStore } from './artifact-store.js';

/**
 * Puts a record where an equal or a damaged one may be.
 * @throws CryfoldError FORMAT_NEWER where a newer cryfold's is there; it stays
 */
export async function replaceRecord(
  store: ArtifactStore,
  key: string,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array, key: string) => unknown,
): Promise<void> {
  const found = await store.get(key);
  try {
    if (found) decode(found, key);
  } catch (error) {
    if (isNewer(error)) throw error;
  }
  await store.put(key, bytes);
}
