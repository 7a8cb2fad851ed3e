import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { CryfoldError, sha256 } from '@cryfold/core';
import type * as minio from 'minio';
import { type ArtifactInfo, type ArtifactStore, checkCommitsOnce, checkKey } from './artifact-store.js';
import { type Patience, retry } from './retry.js';

const require = createRequire(import.meta.url);

/** How to reach an S3 server. Never logged, never put into jobs or arguments: it holds secrets. */
export interface S3Settings {
  /** `https://host:port`; absent: Amazon's */
  endpoint?: string | undefined;
  region: string;
  /** `https://host/bucket/key` or `https://bucket.host/key` */
  addressing: 'path' | 'host';
  accessKey: string;
  secretKey: string;
  sessionToken?: string | undefined;
  /** PEM certificates to trust besides the usual ones */
  certificates?: string | undefined;
}

export interface S3Limits {
  /** Larger objects are not read, bytes. */
  maxBytes?: number;
  /** How long an operation is tried again while the server is away, milliseconds. */
  patience?: number;
  /** A request is given up after this long without a byte, milliseconds. */
  silence?: number;
  /** Objects above this are uploaded in parts of this size, bytes; S3 asks for 5 MiB at least. */
  partBytes?: number;
}

/** Where trying again with the same request cannot help. */
const FINAL = new Set([
  'NoSuchKey',
  'NotFound',
  'PreconditionFailed',
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'NoSuchBucket',
  'InvalidBucketName',
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'MovedPermanently',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
const DENIED = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken']);
const ABSENT = new Set(['NoSuchKey', 'NotFound']);
/** minio-js leaves bodies of these answers unread, which would hold their sockets. */
const UNREAD = new Set([408, 429, 499, 500, 502, 503, 504, 520]);

const HASH = 'x-amz-meta-sha256';

/** The tried-again error of a body that is not what was put. */
class Damaged extends Error {}

function code(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? '';
}

/**
 * Artifacts as objects of a bucket. A conditional put is one request with `If-None-Match: *`, which a server of the
 * S3 API answers with 412 for all but the first. Each object carries its sha256 as metadata, checked when it is read.
 */
export class S3Store implements ArtifactStore {
  readonly #client: minio.Client;
  readonly #agent: http.Agent;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #maxBytes: number;
  readonly #patience: Patience;
  readonly #partBytes: number;
  readonly #another: (limits: S3Limits) => S3Store;

  /** @param prefix where the store's keys begin, ending in `/`, or empty */
  constructor(bucket: string, prefix: string, settings: S3Settings, limits: S3Limits = {}) {
    this.#bucket = bucket;
    this.#another = (other) => new S3Store(bucket, prefix, settings, { ...limits, ...other });
    this.#prefix = prefix;
    // Features of 10,000 clips take 160 MB; Node's buffers end at 4 GiB.
    this.#maxBytes = limits.maxBytes ?? 2 * 2 ** 30;
    // A server that restarts must not cost the minutes of training behind a commit.
    this.#patience = { milliseconds: limits.patience ?? 60_000 };
    this.#partBytes = limits.partBytes ?? 16 * 2 ** 20;
    const endpoint = new URL(settings.endpoint ?? 'https://s3.amazonaws.com');
    const tls = endpoint.protocol === 'https:';
    const agentOptions = {
      keepAlive: true,
      maxSockets: 32,
      ...(settings.certificates && { ca: settings.certificates }),
    };
    this.#agent = tls ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
    // Loaded where it is used: a process whose store is a folder saves 15 MiB.
    const { Client } = require('minio') as typeof minio;
    this.#client = new Client({
      endPoint: endpoint.hostname,
      port: endpoint.port === '' ? (tls ? 443 : 80) : Number(endpoint.port),
      useSSL: tls,
      region: settings.region,
      pathStyle: settings.addressing === 'path',
      accessKey: settings.accessKey,
      secretKey: settings.secretKey,
      ...(settings.sessionToken ? { sessionToken: settings.sessionToken } : {}),
      partSize: this.#partBytes,
      retryOptions: { disableRetry: true },
      transportAgent: this.#agent,
      transport: transport(tls ? https : http, limits.silence ?? 20_000),
    });
  }

  async check(): Promise<void> {
    // A wrong address must be told at once.
    const quick = this.#another({ patience: 3000, silence: 3000 });
    await checkCommitsOnce(quick).finally(() => quick.close());
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const name = this.#name(key);
    return this.#absent(key, async () => {
      const stream = (await this.#client.getObject(this.#bucket, name)) as http.IncomingMessage;
      try {
        const tooLarge = (bytes: number) =>
          new CryfoldError('ARTIFACT_TOO_LARGE', `${key} has ${bytes} bytes; ${this.#maxBytes} are allowed`, {
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
        if (promised !== undefined && sha256(bytes) !== promised) throw new Damaged(`${key} is not what was put`);
        return bytes;
      } finally {
        stream.destroy();
      }
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
    await this.#try(key, async () => {
      if (body.length > this.#partBytes) await this.#putParts(name, body, metadata);
      else await this.#client.putObject(this.#bucket, name, body, body.length, metadata);
    });
  }

  /**
   * An upload of its own for each writer: minio-js 8's putObject joins any unfinished upload to the same key, and two
   * workers that wrote the same key at once would take each other's parts.
   */
  async #putParts(name: string, body: Buffer, metadata: Record<string, string>): Promise<void> {
    const upload = await this.#client.initiateNewMultipartUpload(this.#bucket, name, metadata);
    try {
      const tags: { part: number; etag: string }[] = [];
      for (let start = 0; start < body.length; start += this.#partBytes) {
        const part = tags.length + 1;
        const query = `partNumber=${part}&uploadId=${encodeURIComponent(upload)}`;
        const request = { method: 'PUT', bucketName: this.#bucket, objectName: name, query };
        const answer = await this.#client.makeRequestAsync(request, body.subarray(start, start + this.#partBytes));
        answer.resume();
        tags.push({ part, etag: (answer.headers.etag ?? '').replaceAll('"', '') });
      }
      await this.#client.completeMultipartUpload(this.#bucket, name, upload, tags);
    } catch (error) {
      // What stays of a killed process's upload is for the bucket's lifecycle rule (docs/storage.md).
      await this.#client.abortMultipartUpload(this.#bucket, name, upload).catch(() => {});
      throw error;
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const name = this.#name(key);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // Not all servers hold the condition on uploads in parts.
    if (body.length > this.#partBytes) {
      throw new CryfoldError('ARTIFACT_TOO_LARGE', `${key} is too large to be committed`, { context: { key } });
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
      if (code((error as Error).cause) !== 'PreconditionFailed') throw error;
      // An earlier try may have won although its answer was lost.
      if (tries === 1) return false;
      const there = await this.get(key);
      return there !== undefined && Buffer.compare(there, body) === 0;
    }
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
        // The client asks for pages of a thousand; leaving after one lets each page be tried again by itself.
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
        // Others may keep objects in the same bucket.
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
    this.#agent.destroy();
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
    const isFinal = (error: unknown) => error instanceof CryfoldError || FINAL.has(code(error));
    try {
      return await retry(action, isFinal, this.#patience);
    } catch (cause) {
      if (cause instanceof CryfoldError) throw cause;
      const details = { cause, context: { key, bucket: this.#bucket } };
      const what = `s3://${this.#bucket}: ${key}: ${code(cause) || (cause as Error).message}`;
      if (cause instanceof Damaged) {
        throw new CryfoldError('ARTIFACT_CORRUPT', cause.message, {
          ...details,
          hint: 'Delete it from the bucket: what is missing is computed again.',
        });
      }
      if (DENIED.has(code(cause))) {
        throw new CryfoldError('STORE_DENIED', what, {
          ...details,
          hint: 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the region and the bucket policy (docs/storage.md).',
        });
      }
      throw new CryfoldError('STORE_UNREACHABLE', what, {
        ...details,
        hint: 'Check CRYFOLD_S3_ENDPOINT, the bucket’s name, and that the server runs and is not full; for TLS, CRYFOLD_S3_CA_FILE.',
      });
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

/** Node's own requests, given up when the server falls silent. */
function transport(kind: typeof http | typeof https, silence: number): Pick<typeof http, 'request'> {
  const request = (options: https.RequestOptions, answered: (response: http.IncomingMessage) => void) => {
    const sent = kind.request(options, (response) => {
      if (UNREAD.has(response.statusCode ?? 0)) response.resume();
      answered(response);
    });
    sent.setTimeout(silence, () => sent.destroy(new Error(`no answer within ${silence} ms`)));
    return sent;
  };
  return { request } as Pick<typeof http, 'request'>;
}
