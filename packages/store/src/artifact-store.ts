import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { CryfoldError } from '@cryfold/core';

export interface ArtifactInfo {
  bytes: number;
  modified: Date;
}

export interface ArtifactContent extends ArtifactInfo {
  /**
   * Fails if the content is damaged or the store becomes unavailable; in either case, the last bytes are never
   * delivered.
   */
  stream: Readable;
}

/**
 * Immutable bytes under keys such as `folds/<key>/result.json`. Keys are `/`-separated segments of letters,
 * digits, `.`, `_`, `-`; a segment never starts with a dot. Every method may throw STORE_UNREACHABLE
 * (retryable) and STORE_KEY_INVALID.
 */
export interface ArtifactStore {
  /**
   * Proves that the store can be written and read, and that a conditional put to a key succeeds only once. Every
   * process calls this before it starts work.
   * @throws CryfoldError STORE_UNSAFE, STORE_DENIED, STORE_UNREACHABLE
   */
  check(): Promise<void>;
  /**
   * Returns the whole content, or undefined if the key does not exist. Never returns content that is still being
   * written.
   */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Like `get`, but does not load the whole content into memory. The content is read at the pace of the stream's
   * consumer, which must read the whole stream or destroy it.
   */
  open(key: string): Promise<ArtifactContent | undefined>;
  has(key: string): Promise<boolean>;
  /** Returns the size and the time of the last change, or undefined if the key does not exist. */
  stat(key: string): Promise<ArtifactInfo | undefined>;
  /** Writes or replaces an artifact, atomically and durably. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes an artifact only if the key does not exist. If several callers write the same key at once, exactly one of
   * them succeeds and gets true; all others get false.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Like `putIfAbsent`, but for content that arrives in pieces and is never completely in memory. If the source throws,
   * nothing is written and its error is thrown. The source is read at most once; if the store fails, only part of it is
   * read.
   * @param sha256 hex hash of the whole content, if the caller knows it; it is stored with the content, as with other
   * puts
   */
  putStreamIfAbsent(key: string, source: AsyncIterable<Uint8Array>, sha256?: string): Promise<boolean>;
  /** Lists the keys that start with the prefix (whole segments, ending in `/`), in code-unit order. */
  list(prefix: string): AsyncIterable<string>;
  /** Removes a key; does nothing if it does not exist. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Wraps an error thrown by the source of a put, to distinguish it from failures of the store. */
export class SourceFailure extends Error {}

/** Yields the pieces of a source unchanged. If the source throws, wraps its error in a `SourceFailure`. */
export async function* marked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (cause) {
    throw new SourceFailure('the source failed', { cause });
  }
}

/** @throws CryfoldError STORE_KEY_INVALID for a key that could leave its prefix or is not portable */
export function checkKey(key: string): string {
  if (key.length > 512 || key.split('/').some((segment) => !SEGMENT.test(segment))) {
    throw new CryfoldError('STORE_KEY_INVALID', `not an artifact key: ${JSON.stringify(key.slice(0, 80))}`);
  }
  return key;
}

/** Hint for STORE_UNSAFE errors */
export const SERVERS_THAT_COMMIT =
  'Use a server that supports If-None-Match: * (Amazon S3, MinIO, versitygw); see docs/storage.md.';

/**
 * Checks that only one of several conditional puts to a temporary key succeeds. Some S3 servers silently ignore
 * `If-None-Match`, and others have a race condition.
 * @throws CryfoldError STORE_UNSAFE
 */
export async function checkCommitsOnce(store: ArtifactStore): Promise<void> {
  const key = `checks/${randomBytes(12).toString('hex')}`;
  const put = (i: number) => store.putIfAbsent(key, new Uint8Array([i]));
  const together = await allAtOnce([0, 1, 2, 3], put);
  const wins = [...together, await put(4)].filter(Boolean).length;
  const kept = (await store.get(key))?.[0];
  await store.delete(key);
  if (wins === 1 && kept === together.indexOf(true)) return;
  throw new CryfoldError('STORE_UNSAFE', `${wins} of 5 conditional puts to the same key succeeded`, {
    hint: SERVERS_THAT_COMMIT,
  });
}

/**
 * Runs a few actions concurrently, and waits for all of them even if one fails. Throws the error of the first action
 * that failed.
 */
export async function allAtOnce<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(action));
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
