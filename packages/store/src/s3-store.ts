import { randomBytes } from 'node:crypto';
import type http from 'node:http';
import { CryfoldError, sha256 } from '@cryfold/core';
import type * as minio from 'minio';
import {
  type ArtifactContent,
  type ArtifactInfo,
  type ArtifactStore,
  allAtOnce,
  checkCommitsOnce,
  checkKey,
  marked,
  SERVERS_THAT_COMMIT,
  SourceFailure,
} from './artifact-store.js';
import { type Patience, retry } from './retry.js';
import type { Agents } from './s3-agents.js';
import { openClient, type S3Settings } from './s3-client.js';
import { refusesOnlyCondition } from './s3-conditions.js';
import { contentOf } from './s3-content.js';
import {
  ABSENT,
  asksForOtherKeys,
  code,
  Damaged,
  isDenied,
  isFinal,
  refusesCondition,
  storeError,
} from './s3-errors.js';
import type { S3Keys } from './s3-keys.js';
import { inParts, slices, uploadInParts } from './s3-parts.js';
import { withAnswer } from './s3-transport.js';

export interface S3Limits {
  /** Maximum size in bytes of an object to read. */
  maxBytes?: number;
  /** How long an operation is retried while the server is unavailable, in milliseconds. */
  patienceMs?: number;
  /** A request fails if no byte arrives for this many milliseconds. */
  silenceMs?: number;
  /** Larger objects are uploaded in parts of this size, in bytes; S3 requires at least 5 MiB. */
  partBytes?: number;
}

const HASH = 'x-amz-meta-sha256';

/** Part size in bytes for content of unknown size. S3 allows 10,000 parts, so up to 78 GiB fit. */
const STREAM_PART = 8 * 2 ** 20;

/**
 * Stores artifacts as objects of a bucket. A conditional put sends `If-None-Match: *` with its only request, or with
 * the request that completes a multipart upload. The S3 server replies with 412 if the key exists, so only the first of
 * several such puts succeeds. The sha256 of each object is stored in its metadata, and is verified when the object is
 * read.
 */
export class S3Store implements ArtifactStore {
  readonly #client: minio.Client;
  readonly #keys: S3Keys;
  readonly #agents: Agents;
  readonly #bucket: string;
  readonly #endpoint: string | undefined;
  readonly #prefix: string;
  readonly #maxBytes: number;
  readonly #patience: Patience;
  readonly #partBytes: number;
  readonly #silenceMs: number;
  /** Whether the server has ever accepted the keys */
  #wasLetIn = false;
  #partsCommitOnce: Promise<void> | undefined;
  readonly #another: (limits: S3Limits) => S3Store;

  /** @param prefix prefix of all keys of the store, ending in `/`, or empty */
  constructor(bucket: string, prefix: string, settings: S3Settings, limits: S3Limits = {}) {
    this.#bucket = bucket;
    this.#endpoint = settings.endpoint;
    this.#another = (other) => new S3Store(bucket, prefix, settings, { ...limits, ...other });
    this.#prefix = prefix;
    // For comparison, the features of 10,000 clips take 160 MB, and Node's buffers are limited to 4 GiB.
    this.#maxBytes = limits.maxBytes ?? 2 * 2 ** 30;
    // A commit may come after minutes of training, so it is retried until a restarting server is back.
    this.#patience = { milliseconds: limits.patienceMs ?? 60_000 };
    this.#partBytes = limits.partBytes ?? 16 * 2 ** 20;
    this.#silenceMs = limits.silenceMs ?? 20_000;
    const { client, keys, agents } = openClient(settings, { partBytes: this.#partBytes, silenceMs: this.#silenceMs });
    this.#client = client;
    this.#keys = keys;
    this.#agents = agents;
  }

  async check(): Promise<void> {
    // This check is not retried for long, because a wrong address must be reported quickly.
    const quick = this.#another({ patienceMs: 3000, silenceMs: 3000 });
    await checkCommitsOnce(quick).finally(() => quick.close());
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const name = this.#name(key);
    return this.#absent(key, async () => {
      const stream = (await this.#client.getObject(this.#bucket, name)) as http.IncomingMessage;
      try {
        const tooLarge = (bytes: number) =>
          new CryfoldError('ARTIFACT_TOO_LARGE', `${key} has ${bytes} bytes; the limit is ${this.#maxBytes}`, {
            context: { key },
          });
        const announced = Number(stream.headers['content-length'] ?? 0);
        if (announced > this.#maxBytes) throw tooLarge(announced);
        const chunks: Buffer[] = [];
        let length = 0;
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          length += chunk.length;
          if (length > this.#maxBytes) throw tooLarge(length);
          chunks.push(chunk);
        }
        const bytes = Buffer.concat(chunks, length);
        const promised = stream.headers[HASH];
        if (promised !== undefined && sha256(bytes) !== promised)
          throw new Damaged(`${key} does not match the hash with which it was stored`);
        return bytes;
      } finally {
        stream.destroy();
      }
    });
  }

  async open(key: string): Promise<ArtifactContent | undefined> {
    const name = this.#name(key);
    return this.#absent(key, async () => {
      const response = (await this.#client.getObject(this.#bucket, name)) as http.IncomingMessage;
      const { headers } = response;
      return {
        bytes: Number(headers['content-length']),
        modified: new Date(headers['last-modified'] ?? 0),
        stream: contentOf(response, { key, sha256: headers[HASH] as string | undefined, silenceMs: this.#silenceMs }),
      };
    });
  }

  async has(key: string): Promise<boolean> {
    return (await this.stat(key)) !== undefined;
  }

  async stat(key: string): Promise<ArtifactInfo | undefined> {
    const name = this.#name(key);
    return this.#absent(key, async () => {
      const { size, lastModified } = await this.#client.statObject(this.#bucket, name);
      return { bytes: size, modified: lastModified };
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const name = this.#name(key);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const metadata = { [HASH]: sha256(body) };
    if (body.length > this.#partBytes) {
      await this.#putParts(key, slices(body, this.#partBytes), { metadata, ifAbsent: false });
    } else {
      await this.#try(key, () => this.#client.putObject(this.#bucket, name, body, body.length, metadata));
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const name = this.#name(key);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (body.length > this.#partBytes) {
      await this.#checkParts();
      const parts = slices(body, this.#partBytes);
      return await this.#putParts(key, parts, { metadata: { [HASH]: sha256(body) }, ifAbsent: true });
    }
    const metadata = { [HASH]: sha256(body), 'If-None-Match': '*' };
    let tries = 0;
    try {
      await this.#try(key, (attempt) => {
        tries = attempt + 1;
        return this.#client.putObject(this.#bucket, name, body, body.length, metadata);
      });
      return true;
    } catch (error) {
      if (code((error as Error).cause) !== 'PreconditionFailed') throw await this.#unsafeOr(error, 'put');
      // An earlier attempt may have succeeded although its response was lost.
      if (tries === 1) return false;
      const there = await this.get(key);
      return there !== undefined && Buffer.compare(there, body) === 0;
    }
  }

  async putStreamIfAbsent(key: string, source: AsyncIterable<Uint8Array>, hash?: string): Promise<boolean> {
    const parts = inParts(marked(source), STREAM_PART);
    try {
      const first = await parts.next();
      if (first.done) return await this.putIfAbsent(key, new Uint8Array());
      if (first.value.length < STREAM_PART) return await this.putIfAbsent(key, first.value);
      await this.#checkParts();
      const all = async function* () {
        yield first.value;
        yield* parts;
      };
      return await this.#putParts(key, all(), { metadata: hash ? { [HASH]: hash } : {}, ifAbsent: true });
    } catch (error) {
      throw error instanceof SourceFailure ? error.cause : error;
    } finally {
      await parts.return(undefined).catch(() => {});
    }
  }

  async #putParts(
    key: string,
    parts: AsyncIterable<Buffer> | Iterable<Buffer>,
    { metadata, ifAbsent }: { metadata: Record<string, string>; ifAbsent: boolean },
  ): Promise<boolean> {
    const place = { client: this.#client, bucket: this.#bucket, name: this.#name(key) };
    const request = <T>(action: (attempt: number) => Promise<T>) => this.#try(key, action);
    try {
      return await uploadInParts(parts, { ...place, metadata, ifAbsent, request });
    } catch (error) {
      throw ifAbsent ? await this.#unsafeOr(error, 'parts') : error;
    }
  }

  /** Maps the error of a conditional put: STORE_UNSAFE if the server rejected it because of its condition. */
  async #unsafeOr(error: unknown, kind: 'put' | 'parts'): Promise<unknown> {
    const { cause } = error as Error;
    if (!refusesCondition(cause)) return error;
    const place = { client: this.#client, bucket: this.#bucket, nameOf: (key: string) => this.#name(key) };
    if (!(await refusesOnlyCondition(place, kind))) return error;
    const answer = [cause.status, code(cause)].filter(Boolean).join(' ');
    return new CryfoldError('STORE_UNSAFE', `the store accepts puts, but rejects conditional ones with ${answer}`, {
      cause,
      hint: SERVERS_THAT_COMMIT,
    });
  }

  /**
   * Like `checkCommitsOnce`, but for multipart uploads. Runs before the first conditional upload, because a server may
   * support the condition for only one kind of put.
   */
  #checkParts(): Promise<void> {
    const check = async () => {
      const key = `checks/${randomBytes(12).toString('hex')}`;
      const put = () => this.#putParts(key, [Buffer.of(1)], { metadata: {}, ifAbsent: true });
      const wins = [...(await allAtOnce([1, 2, 3], put)), await put()].filter(Boolean).length;
      await this.delete(key);
      if (wins === 1) return;
      throw new CryfoldError('STORE_UNSAFE', `${wins} of 4 conditional multipart uploads to the same key succeeded`, {
        hint: 'Use a server that supports If-None-Match: * when it completes a multipart upload (see docs/storage.md).',
      });
    };
    this.#partsCommitOnce ??= check().catch((error) => {
      this.#partsCommitOnce = undefined;
      throw error;
    });
    return this.#partsCommitOnce;
  }

  async *list(prefix: string): AsyncIterable<string> {
    const base = this.#prefix + (prefix === '' ? '' : `${checkKey(prefix.replace(/\/$/, ''))}/`);
    let after = '';
    let more = true;
    while (more) {
      const page: string[] = [];
      await this.#try(prefix, async () => {
        page.length = 0;
        more = false;
        // The client requests pages of a thousand keys. Stopping after each page allows every page to be retried
        // separately.
        const stream = this.#client.listObjectsV2(this.#bucket, base, true, after);
        for await (const item of stream as AsyncIterable<{ name?: string }>) {
          if (item.name !== undefined) page.push(item.name);
          if (page.length < PAGE) continue;
          more = true;
          break;
        }
      });
      for (const name of page) {
        const key = name.slice(this.#prefix.length);
        // The bucket may also contain objects of other applications.
        if (isKey(key)) yield key;
      }
      after = page.at(-1) ?? after;
    }
  }

  async delete(key: string): Promise<void> {
    const name = this.#name(key);
    await this.#absent(key, () => this.#client.removeObject(this.#bucket, name));
  }

  async close(): Promise<void> {
    this.#agents.destroy();
  }

  #name(key: string): string {
    return this.#prefix + checkKey(key);
  }

  async #absent<T>(key: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#try(key, action);
    } catch (error) {
      if (ABSENT.has(code((error as Error).cause))) return undefined;
      throw error;
    }
  }

  async #try<T>(key: string, action: (attempt: number) => Promise<T>): Promise<T> {
    const withKeys = async (attempt: number) => {
      const used = await this.#keys.get();
      try {
        return await withAnswer(() => action(attempt));
      } catch (error) {
        // The keys were rotated or have expired. A rejected request has changed nothing.
        if (!isDenied(error) || !(await this.#keys.changedSince(used))) throw error;
        return withAnswer(() => action(attempt));
      }
    };
    // If keys that used to work are rejected, new ones may just be late. Finished work must not be lost because of
    // that, so such errors are retried.
    const isLate = (error: unknown) => this.#wasLetIn && this.#keys.mayChange && asksForOtherKeys(error);
    try {
      const result = await retry(withKeys, (error) => isFinal(error) && !isLate(error), this.#patience);
      this.#wasLetIn = true;
      return result;
    } catch (cause) {
      this.#wasLetIn = !isDenied(cause) && (this.#wasLetIn || ABSENT.has(code(cause)));
      throw storeError(cause, { key, bucket: this.#bucket, endpoint: this.#endpoint });
    }
  }
}

const PAGE = 1000;

function isKey(key: string): boolean {
  try {
    checkKey(key);
    return true;
  } catch {
    return false;
  }
}
