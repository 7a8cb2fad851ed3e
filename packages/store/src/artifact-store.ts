import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { CryfoldError } from '@cryfold/core';

export interface ArtifactInfo {
  bytes: number;
  modified: Date;
}

export interface ArtifactContent extends ArtifactInfo {
  /** Fails where the content is damaged or the store goes away; the last bytes then never come. */
  stream: Readable;
}

/**
 * Immutable bytes under keys such as `folds/<key>/result.json`. Keys are `/`-separated segments of letters,
 * digits, `.`, `_`, `-`; a segment never starts with a dot. Every method may throw STORE_UNREACHABLE
 * (retryable) and STORE_KEY_INVALID.
 */
export interface ArtifactStore {
  /**
   * Proves that the store can be written, read and commits once. Every process calls it before it starts work.
   * @throws CryfoldError STORE_UNSAFE, STORE_DENIED, STORE_UNREACHABLE
   */
  check(): Promise<void>;
  /** The whole content, or undefined where nothing was put. Never part of a put in progress. */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * As `get`, without holding the content in memory: it is read as fast as the stream's consumer takes it. The consumer
   * reads the stream to its end or destroys it.
   */
  open(key: string): Promise<ArtifactContent | undefined>;
  has(key: string): Promise<boolean>;
  /** Size and last change, or undefined where nothing was put. */
  stat(key: string): Promise<ArtifactInfo | undefined>;
  /** Writes or replaces, atomically and durably. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes only where nothing is: true for the one caller that wins, false for all others. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * As `putIfAbsent`, of content that arrives in pieces, without holding it in memory. Where the source throws, nothing
   * is written and its error is thrown. The source is read once, and not to its end where the store fails.
   * @param sha256 hex, of the whole content, where the caller knows it: kept with the content, as other puts do
   */
  putStreamIfAbsent(key: string, source: AsyncIterable<Uint8Array>, sha256?: string): Promise<boolean>;
  /** Keys that start with the prefix (a whole number of segments, ending in `/`), in code-unit order. */
  list(prefix: string): AsyncIterable<string>;
  /** Removes a key; nothing happens where it is absent. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** What the source of a put threw, to keep it apart from failures of the store. */
export class SourceFailure extends Error {}

/** The same pieces; an error of the source is thrown as the cause of a `SourceFailure`. */
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

/** The hint of STORE_UNSAFE */
export const SERVERS_THAT_COMMIT =
  'Use a server that honours If-None-Match: * (Amazon S3, MinIO, versitygw): see docs/storage.md.';

/**
 * Conditional puts to a key of its own: some S3 servers ignore `If-None-Match` silently, others let a race through.
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
  throw new CryfoldError('STORE_UNSAFE', `the store let ${wins} of 5 conditional puts to one key win`, {
    hint: SERVERS_THAT_COMMIT,
  });
}

/** Runs a few actions at the same moment. None is in flight any more when it throws what the first failed one did. */
export async function allAtOnce<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(action));
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
