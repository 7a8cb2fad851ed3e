import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CryfoldError, redactUrl, sha256 } from '@cryfold/core';
import { type ArtifactStore, checkKey } from './artifact-store.js';
import { FileStore } from './file-store.js';
import type { S3Settings } from './s3-client.js';
import { type S3Limits, S3Store } from './s3-store.js';

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Matches a URL with a scheme; anything else is the path of a folder. */
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** The absolute folder of a file store; undefined for other stores and for URLs without a folder. */
export function storeFolder(url: string): string | undefined {
  if (!SCHEME.test(url)) return url === '' ? undefined : resolve(url);
  const path = url.startsWith('file:') ? url.slice('file:'.length) : '';
  if (path === '') return undefined;
  if (!path.startsWith('//')) return resolve(path);
  try {
    return path === '//' ? undefined : fileURLToPath(url);
  } catch {
    // fileURLToPath throws if the URL contains a host or an invalid path.
    return undefined;
  }
}

/**
 * Opens the store at a URL: `file:relative/path`, `file:///absolute/path`, the path of a folder, or
 * `s3://bucket/prefix`.
 * @param s3 how to reach the server of an `s3:` URL, from the configuration
 * @throws CryfoldError STORE_URL_INVALID
 */
export function openStore(url: string, s3?: S3Settings, limits?: S3Limits): ArtifactStore {
  const invalid = (why: string, hint = 'Specify a folder, for example ./cryfold, or s3://BUCKET/PREFIX.') =>
    // The URL is not quoted, because it may contain a password by mistake.
    new CryfoldError('STORE_URL_INVALID', `store URL ${JSON.stringify(redactUrl(url))}: ${why}`, {
      hint,
    });
  if (url.startsWith('s3://')) {
    const [bucket, ...prefix] = url.slice('s3://'.length).replace(/\/$/, '').split('/');
    if (!BUCKET.test(bucket)) throw invalid('it does not contain the name of a bucket');
    if (prefix.length > 0) checkKey(prefix.join('/'));
    if (!s3) {
      throw invalid(
        'credentials are missing',
        'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the same names with _FILE), or AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN.',
      );
    }
    return new S3Store(bucket, prefix.map((segment) => `${segment}/`).join(''), s3, limits);
  }
  if (SCHEME.test(url) && !url.startsWith('file:')) throw invalid('only folders, file: and s3: are supported');
  const folder = storeFolder(url);
  if (folder === undefined) throw invalid('it is not the path of a folder on this machine');
  return new FileStore(folder);
}

/**
 * Reads an artifact that must exist, and checks its hash if the caller passes one.
 * @throws CryfoldError ARTIFACT_MISSING or ARTIFACT_CORRUPT
 */
export async function readArtifact(store: ArtifactStore, key: string, hash?: string): Promise<Uint8Array> {
  const bytes = await store.get(key);
  const hint = 'Run the same command again to recompute what is missing.';
  if (bytes === undefined) {
    throw new CryfoldError('ARTIFACT_MISSING', `${key} is not in the store`, { context: { key }, hint });
  }
  if (hash !== undefined && sha256(bytes) !== hash) {
    throw new CryfoldError('ARTIFACT_CORRUPT', `${key} does not match its record`, { context: { key }, hint });
  }
  return bytes;
}
