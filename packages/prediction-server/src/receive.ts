import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CryfoldError } from '@cryfold/core';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { Place, Recording, Spool } from './spool.js';

/** Recordings of one request. */
export const MAX_FILES = 16;

/** Where a request's recordings go, and how many bytes it may have as a whole. */
export interface Target {
  spool: Spool;
  place: Place;
  maxUpload: number;
}

/**
 * Writes the recordings of a request to its place in the spool, a chunk at a time.
 * @throws CryfoldError UPLOAD_TOO_LARGE as soon as more than `maxUpload` bytes have come; UPLOAD_INVALID; SPOOL_FAILED
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

/** @throws CryfoldError UPLOAD_TOO_LARGE if a request says itself that it has more than `maxUpload` bytes */
export function checkLength(headers: IncomingHttpHeaders, maxUpload: number): void {
  if (Number(headers['content-length'] ?? 0) > maxUpload) throw tooLarge(maxUpload);
}

async function* limited(request: IncomingMessage, maxUpload: number): AsyncGenerator<Buffer> {
  let total = 0;
  // The connection stays, for the refusal to be sent over it.
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
  // One after the other, since each begins where the last one ended.
  let saved: Promise<void> = Promise.resolve();
  form.on('file', (_field, file, filename) => {
    // Whatever goes wrong is heard from the form, or from whoever reads the file.
    file.on('error', () => {});
    open.add(file);
    saved = saved.then(async () => {
      // A name comes from a stranger and goes back into messages.
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
  if (recordings.length === 0) throw new CryfoldError('UPLOAD_INVALID', 'the form holds no file');
  return recordings;
}

const limitText = {
  filesLimit: `the form holds more than ${MAX_FILES} files`,
  partsLimit: `the form holds more than ${MAX_FILES} parts`,
  fieldsLimit: 'the form holds a field that is not a file',
};

const tooLarge = (maxUpload: number) =>
  new CryfoldError(
    'UPLOAD_TOO_LARGE',
    `the request is larger than ${maxUpload} bytes, which is all this service accepts`,
    {
      context: { bytes: maxUpload },
      hint: 'Send a shorter recording, or fewer of them. The operator sets the limit with --max-upload-mb.',
    },
  );
