import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CryfoldError } from '@cryfold/core';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { Place, Recording, Spool } from './spool.js';

/** Maximum number of recordings per request. */
export const MAX_FILES = 16;

/** Where to store the recordings of a request, and how large the request may be. */
export interface Target {
  spool: Spool;
  place: Place;
  maxUpload: number;
}

/**
 * Streams the recordings of a request to its place in the spool.
 * @throws CryfoldError UPLOAD_TOO_LARGE as soon as more than `maxUpload` bytes have arrived; UPLOAD_INVALID;
 * SPOOL_FAILED
 */
export async function receive(request: IncomingMessage, target: Target): Promise<Recording[]> {
  const { spool, place, maxUpload } = target;
  const body = limited(request, maxUpload);
  let end = place.offset;
  const save = async (name: string, chunks: AsyncIterable<Uint8Array>) => {
    const offset = end;
    for await (const chunk of chunks) {
      await spool.write(chunk, end);
      end += chunk.length;
    }
    return { name, offset, size: end - offset };
  };
  try {
    if (/^multipart\//i.test(request.headers['content-type'] ?? ''))
      return await receiveForm(request.headers, body, save);
    const recording = await save('recording', body);
    if (recording.size > 0) return [recording];
  } catch (cause) {
    if (cause instanceof CryfoldError) throw cause;
    throw new CryfoldError('UPLOAD_INVALID', `the request cannot be read: ${(cause as Error).message}`, { cause });
  }
  throw new CryfoldError('UPLOAD_INVALID', 'the request has no body', {
    hint: 'Send a recording as audio/wav, or as application/octet-stream.',
  });
}

/** @throws CryfoldError UPLOAD_TOO_LARGE if the content length exceeds `maxUpload` bytes */
export function checkLength(headers: IncomingHttpHeaders, maxUpload: number): void {
  if (Number(headers['content-length'] ?? 0) > maxUpload) throw tooLarge(maxUpload);
}

async function* limited(request: IncomingMessage, maxUpload: number): AsyncGenerator<Buffer> {
  let total = 0;
  // The connection stays open, so that the error response can be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    total += chunk.length;
    if (total > maxUpload) throw tooLarge(maxUpload);
    yield chunk;
  }
}

async function receiveForm(
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Uint8Array>,
  save: (name: string, chunks: AsyncIterable<Uint8Array>) => Promise<Recording>,
): Promise<Recording[]> {
  const recordings: Recording[] = [];
  const limits = { files: MAX_FILES, parts: MAX_FILES, fields: 0, headerPairs: 20, headerSize: 4096 };
  let form: BusboyInstance;
  try {
    form = new Busboy({ headers: { ...headers, 'content-type': headers['content-type'] ?? '' }, limits });
  } catch (cause) {
    throw new CryfoldError('UPLOAD_INVALID', `the form cannot be read: ${(cause as Error).message}`, { cause });
  }
  const failed = new AbortController();
  const fail = (error: unknown) => {
    if (!failed.signal.aborted) failed.abort(error);
  };
  for (const limit of ['filesLimit', 'partsLimit', 'fieldsLimit'] as const) {
    form.on(limit, () => fail(new CryfoldError('UPLOAD_INVALID', limitText[limit])));
  }
  const open = new Set<Readable>();
  // Files are read one after the other, since each file begins where the previous one ended.
  let saved: Promise<void> = Promise.resolve();
  form.on('file', (_field, file, filename) => {
    // Errors of the file are reported by the form or by the reader of the file.
    file.on('error', () => {});
    open.add(file);
    saved = saved.then(async () => {
      // Names of files come from untrusted clients and appear in messages.
      const name = `${filename ?? ''}`.replace(/[^\p{L}\p{N} ._-]/gu, '_').slice(0, 80) || 'recording';
      recordings.push(await save(name, file));
      open.delete(file);
    });
    saved.catch(fail);
  });
  try {
    await pipeline(body, form, { signal: failed.signal });
    await saved;
    failed.signal.throwIfAborted();
  } catch (error) {
    for (const file of open) file.destroy(error as Error);
    await saved.catch(() => {});
    throw failed.signal.reason ?? error;
  }
  if (recordings.length === 0) throw new CryfoldError('UPLOAD_INVALID', 'the form contains no file');
  return recordings;
}

const limitText = {
  filesLimit: `the form contains more than ${MAX_FILES} files`,
  partsLimit: `the form contains more than ${MAX_FILES} parts`,
  fieldsLimit: 'the form contains a field that is not a file',
};

const tooLarge = (maxUpload: number) =>
  new CryfoldError('UPLOAD_TOO_LARGE', `the request is larger than ${maxUpload} bytes, the limit of this service`, {
    context: { bytes: maxUpload },
    hint: 'Send a shorter recording or fewer recordings. The operator sets this limit with --max-upload-mb.',
  });
