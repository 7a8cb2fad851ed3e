import { isNewer } from '@cryfold/core';
import type { ArtifactStore } from './artifact-store.js';

/**
 * Writes a record that may replace an equal or damaged one.
 * @throws CryfoldError FORMAT_NEWER if a newer version of cryfold wrote the existing record, which is kept
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
