import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CryfoldError, sha256 } from '@cryfold/core';
import type { ArtifactStore } from './artifact-store.js';
import { FileStore } from './file-store.js';

/**
 * Opens the store that a URL names: `file:relative/path` or `file:///absolute/path`.
 * @throws CryfoldError STORE_URL_INVALID
 */
export function openStore(url: string): ArtifactStore {
  const invalid = (why: string) =>
    new CryfoldError('STORE_URL_INVALID', `store URL ${JSON.stringify(url)}: ${why}`, {
      hint: 'Use file:FOLDER, for example file:./cryfold-out/store.',
    });
  if (!url.startsWith('file:')) throw invalid('only file: is supported');
  const path = url.slice('file:'.length);
  if (path === '' || path === '//') throw invalid('it names no folder');
  return new FileStore(path.startsWith('//') ? fileURLToPath(url) : resolve(path));
}

/**
 * Reads an artifact that must exist, checking its hash where the caller knows it.
 * @throws CryfoldError ARTIFACT_MISSING or ARTIFACT_CORRUPT
 */
export async function readArtifact(store: ArtifactStore, key: string, hash?: string): Promise<Uint8Array> {
  const bytes = await store.get(key);
  const hint = 'Run the same command again: what is missing is computed again.';
  if (bytes === undefined) {
    throw new CryfoldError('ARTIFACT_MISSING', `${key} is not in the store`, { context: { key }, hint });
  }
  if (hash !== undefined && sha256(bytes) !== hash) {
    throw new CryfoldError('ARTIFACT_CORRUPT', `${key} is not what its record promises`, { context: { key }, hint });
  }
  return bytes;
}
