import { randomUUID } from 'node:crypto';
import type * as minio from 'minio';

/** Metadata that identifies the upload of an object, in case the response to its completion is lost. */
const UPLOAD = 'x-amz-meta-upload';

export interface PartsTarget {
  client: minio.Client;
  bucket: string;
  /** Name of the object */
  name: string;
  metadata: Record<string, string>;
  /** Whether the object may only be created, never replaced */
  ifAbsent: boolean;
  /**
   * Runs one request, and repeats it while the server is unavailable. Throws an error whose cause is the server's
   * error.
   */
  request: <T>(action: (attempt: number) => Promise<T>) => Promise<T>;
}

function code(error: unknown): string | undefined {
  return ((error as Error).cause as { code?: string } | undefined)?.code;
}

/**
 * Uploads an object in parts of at least 5 MiB each, except for the last part. Only one part is in memory at a time.
 * Each writer has a separate upload, because minio-js 8's putObject joins any unfinished upload to the same key, which
 * would mix up the parts of two concurrent writers of that key.
 * @returns false if the object already exists and `ifAbsent` is set
 * @throws any error that `parts` throws; nothing is written in that case
 */
export async function uploadInParts(
  parts: AsyncIterable<Buffer> | Iterable<Buffer>,
  target: PartsTarget,
): Promise<boolean> {
  const { client, bucket, name, metadata, request } = target;
  const token = randomUUID();
  const upload = await request(() => client.initiateNewMultipartUpload(bucket, name, { ...metadata, [UPLOAD]: token }));
  try {
    const etags: string[] = [];
    for await (const part of parts) {
      const query = `partNumber=${etags.length + 1}&uploadId=${encodeURIComponent(upload)}`;
      const put = { method: 'PUT', bucketName: bucket, objectName: name, query };
      const answer = await request(() => client.makeRequestAsync(put, part));
      answer.resume();
      etags.push(answer.headers.etag ?? '');
    }
    return await complete(target, { upload, token, etags });
  } catch (error) {
    // Parts that a killed process has left behind are removed by the bucket's lifecycle rule (see docs/storage.md).
    await client.abortMultipartUpload(bucket, name, upload).catch(() => {});
    throw error;
  }
}

/** minio-js's own completeMultipartUpload cannot send the condition. */
async function complete(
  { client, bucket, name, ifAbsent, request }: PartsTarget,
  { upload, token, etags }: { upload: string; token: string; etags: readonly string[] },
): Promise<boolean> {
  const list = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
  const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`;
  const post = {
    ...{ method: 'POST', bucketName: bucket, objectName: name, query: `uploadId=${encodeURIComponent(upload)}` },
    headers: ifAbsent ? { 'If-None-Match': '*' } : {},
  };
  let tries = 0;
  try {
    await request(async (attempt) => {
      tries = attempt + 1;
      const answer = await client.makeRequestAsync(post, body);
      let text = '';
      for await (const chunk of answer) text += chunk;
      // S3 may start to respond with status 200 before it knows whether the request succeeds.
      const failed = /<Error>[\s\S]*?<Code>([A-Za-z]+)<\/Code>/.exec(text)?.[1];
      if (failed) throw Object.assign(new Error(failed), { code: failed });
    });
    return true;
  } catch (error) {
    const taken = code(error) === 'PreconditionFailed';
    // An earlier attempt may have succeeded although its response was lost. Once an upload is completed, the server no
    // longer recognises its id.
    if (tries > 1 && (taken || code(error) === 'NoSuchUpload')) {
      const { metaData } = await request(() => client.statObject(bucket, name));
      if (metaData[UPLOAD.slice('x-amz-meta-'.length)] === token) return true;
    }
    if (!taken || !ifAbsent) throw error;
    await client.abortMultipartUpload(bucket, name, upload).catch(() => {});
    return false;
  }
}

/** Splits bytes into parts of equal size, except for the last. A part is valid only until the next one is requested. */
export async function* inParts(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  const part = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (let chunk of source) {
    while (chunk.length > 0) {
      const taken = chunk.subarray(0, size - filled);
      part.set(taken, filled);
      filled += taken.length;
      chunk = chunk.subarray(taken.length);
      if (filled < size) continue;
      yield part;
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

export function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}
