import { CryfoldError } from '@cryfold/core';

/**
 * Immutable bytes under keys such as `folds/<key>/result.json`. Keys are `/`-separated segments of letters,
 * digits, `.`, `_`, `-`; a segment never starts with a dot. Every method may throw STORE_UNREACHABLE
 * (retryable) and STORE_KEY_INVALID.
 */
export interface ArtifactStore {
  /** The whole content, or undefined where nothing was put. Never part of a put in progress. */
  get(key: string): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  /** Writes or replaces, atomically and durably. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes only where nothing is: true for the one caller that wins, false for all others. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Keys that start with the prefix (a whole number of segments, ending in `/`), in code-unit order. */
  list(prefix: string): AsyncIterable<string>;
  /** Removes a key; nothing happens where it is absent. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** @throws CryfoldError STORE_KEY_INVALID for a key that could leave its prefix or is not portable */
export function checkKey(key: string): string {
  if (key.length > 512 || key.split('/').some((segment) => !SEGMENT.test(segment))) {
    throw new CryfoldError('STORE_KEY_INVALID', `not an artifact key: ${JSON.stringify(key.slice(0, 80))}`);
  }
  return key;
}
