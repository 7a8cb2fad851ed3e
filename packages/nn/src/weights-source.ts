import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CryfoldError, checkRegular, redactUrl } from '@cryfold/core';
import type { NetworkDefinition } from './models/definition.js';
import { NETWORKS } from './models/registry.js';
import { PUBLISHED_RESNET50 } from './models/resnet50.js';

/** The file that `cryfold weights` accepts without a hash, whatever its name: ResNet50's ImageNet weights. */
export const PUBLISHED_WEIGHTS = PUBLISHED_RESNET50;

export interface WeightsFile {
  path: string;
  /** Hex sha256 of the content, which identifies the weights in a fold key. */
  sha256: string;
}

export interface WeightsSourceOptions {
  /** Folder for downloaded files, which are kept in its subfolder `weights/`. */
  cacheDirectory: string;
  /** Reads the content of a key from the artifact store; returns undefined if the key does not exist. */
  fetchContent: (key: string) => Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Milliseconds after which a download that receives no bytes times out; default: one minute. */
  silenceMs?: number;
}

/**
 * Maximum number of bytes to download or read. Guards against wrong files, and against devices such as /dev/zero that
 * never end.
 */
const LARGEST = 2 ** 28;
/** Time limit of a download, milliseconds. */
const LONGEST_MS = 3_600_000;
/** Maximum number of connections per download. Each connection continues where the previous one broke off. */
const CONNECTIONS = 20;
/** Matches files to which downloads are written; a process that dies leaves them behind. */
const PART = /^(?:[0-9a-f]{32}|[0-9a-f]{64})\.h5\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Finds and verifies a weights file. Remote files are downloaded once, and then read from the cache.
 * @param source a path, `https://…`, `http://…`, or `store:KEY`. URLs and keys end in `#sha256=HEX` or `#md5=HEX`,
 * which is required unless they refer to a file published by keras.applications.
 * @throws CryfoldError WEIGHTS_NOT_FOUND, WEIGHTS_INVALID, WEIGHTS_UNREACHABLE (retryable), or any error that
 * `fetchContent` throws
 */
export async function resolveWeights(source: string, options: WeightsSourceOptions): Promise<WeightsFile> {
  if (/^(?!https?:)[a-z][\w+.-]*:\/\//i.test(source))
    throw notFound(redactUrl(source), 'only http and https are supported');
  if (!/^(https?:\/\/|store:)/.test(source)) return { path: source, sha256: await verifyWeightsFile(source) };
  const [address, fragment = ''] = source.split('#');
  const name = printable(address);
  const stated = /^(?:sha256=[0-9a-f]{64}|md5=[0-9a-f]{32})$/i.test(fragment);
  const hash = (stated ? fragment.split('=')[1] : publishedHash(name)).toLowerCase();
  if (hash === '' || (fragment !== '' && !stated)) {
    throw new CryfoldError('WEIGHTS_INVALID', `${name}: the hash of the file is missing`, {
      context: { source: name },
      hint: 'Append #sha256= and the hash of the file; sha256sum prints this hash.',
    });
  }
  const path = join(options.cacheDirectory, 'weights', `${hash}.h5`);
  try {
    return { path, sha256: await verifyWeightsFile(path, hash) };
  } catch {
    // The file has not been downloaded yet or is damaged, so download it.
  }
  const part = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  await removeAbandoned(dirname(path));
  try {
    if (address.startsWith('store:')) {
      const content = await options.fetchContent(address.slice('store:'.length));
      if (!content) throw notFound(name, 'the store has no such key');
      await pipeline(content, limited(name), createWriteStream(part));
    } else await download(new URL(address), name, part, options.silenceMs);
    const sha256 = await verifyWeightsFile(part, hash, name);
    await rename(part, path);
    return { path, sha256 };
  } finally {
    await rm(part, { force: true });
  }
}

/** Removes partial downloads that are no longer being written. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!PART.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > LONGEST_MS) await rm(path, { force: true });
  }
}

/** Passes content through, but throws an error if it exceeds the maximum size of a weights file. */
function limited(name: string) {
  return async function* (content: AsyncIterable<Uint8Array>) {
    let bytes = 0;
    for await (const piece of content) {
      bytes += piece.length;
      if (bytes > LARGEST) throw tooLarge(name);
      yield piece;
    }
  };
}

/**
 * Reads a weights file once and checks its hash. If no hash is given, a file with a name that keras.applications has
 * published must have the published md5.
 * @param hash hex md5 or sha256
 * @param name shown in messages
 * @returns hex sha256 of the file
 * @throws CryfoldError WEIGHTS_NOT_FOUND, WEIGHTS_INVALID
 */
export async function verifyWeightsFile(path: string, hash = publishedHash(path), name = path): Promise<string> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  let bytes = 0;
  try {
    // A file that is too large gets a separate message below.
    checkRegular(await stat(path), Number.POSITIVE_INFINITY);
    for await (const chunk of createReadStream(path)) {
      bytes += chunk.length;
      if (bytes > LARGEST) break;
      md5.update(chunk);
      sha256.update(chunk);
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw notFound(name, code === 'ENOENT' ? 'no such file' : `it cannot be read (${code ?? message})`, cause);
  }
  if (bytes > LARGEST) throw tooLarge(name);
  const digests = { 32: md5.digest('hex'), 64: sha256.digest('hex') };
  const digest = digests[hash.length === 32 ? 32 : 64];
  if (hash !== '' && digest !== hash.toLowerCase()) {
    throw new CryfoldError('WEIGHTS_INVALID', `${name}: its hash is ${digest}, not ${hash}`, {
      context: { file: name, expected: hash },
      hint: 'Copy the file again from its origin, or correct the hash.',
    });
  }
  return digests[64];
}

/** Returns the md5 that Keras's source states for a file with this name or path, or an empty string. */
export function publishedHash(name: string): string {
  const networks: readonly NetworkDefinition[] = NETWORKS;
  return networks.find(({ published }) => published?.name === basename(name))?.published?.md5 ?? '';
}

/** Data that all requests of a download share, including headers and timeout. */
interface Download {
  url: URL;
  headers: Headers;
  name: string;
  target: string;
  signal: AbortSignal;
  /** Called for each piece of data */
  onData(): void;
}

async function download(url: URL, name: string, target: string, silenceMs = 60_000): Promise<void> {
  const headers = new Headers();
  if (url.username !== '') {
    // fetch rejects URLs that contain credentials.
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
    url.username = url.password = '';
  }
  const stop = new AbortController();
  const silent = setTimeout(() => stop.abort(new Error(`no data within ${silenceMs / 1000} s`)), silenceMs);
  const long = setTimeout(() => stop.abort(new Error(`not finished within ${LONGEST_MS / 3_600_000} h`)), LONGEST_MS);
  const transfer = { url, headers, name, target, signal: stop.signal, onData: () => silent.refresh() };
  try {
    for (let left = CONNECTIONS, has = 0; ; ) {
      const { bytes, broken } = await receive(transfer, has);
      if (broken === undefined) return;
      if (--left === 0 || stop.signal.aborted) throw broken;
      has = bytes;
    }
  } catch (thrown) {
    if (thrown instanceof CryfoldError) throw thrown;
    const cause = (stop.signal.aborted ? stop.signal.reason : thrown) as Error & { cause?: NodeJS.ErrnoException };
    throw new CryfoldError('WEIGHTS_UNREACHABLE', `${name}: the download failed (${reasonOf(cause)})`, {
      context: { source: name },
      hint: 'Check the network and the server, or download the file in another way and specify its path.',
      cause,
    });
  } finally {
    clearTimeout(silent);
    clearTimeout(long);
  }
}

/**
 * Returns the system's error code if there is one. undici's own codes are less informative than its messages, for
 * example about the response of a proxy.
 */
function reasonOf({ cause, message }: Error & { cause?: NodeJS.ErrnoException }): string {
  const { code, message: inner } = cause ?? {};
  return (code?.startsWith('UND_ERR') ? inner : code) ?? inner ?? message;
}

/**
 * Downloads the rest of a file, starting at a given byte, or the whole file if the server ignores ranges.
 * @returns the number of bytes that have been downloaded in total, and the reason if the connection broke before the
 * end
 * @throws CryfoldError WEIGHTS_NOT_FOUND, WEIGHTS_INVALID; Error for a response that is not a file
 */
async function receive(
  { url, headers, name, target, signal, onData }: Download,
  from: number,
): Promise<{ bytes: number; broken?: unknown }> {
  const asked = new Headers(headers);
  if (from > 0) asked.set('range', `bytes=${from}-`);
  const response = await fetch(url, { headers: asked, signal });
  const { status, body } = response;
  // The server has no more bytes. The hash will show whether the file is complete.
  if (status === 416 && from > 0) {
    await body?.cancel();
    return { bytes: from };
  }
  const rest = status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`);
  if (!(status === 200 || rest) || !body) {
    await body?.cancel();
    const error = new Error(`HTTP status ${status}`);
    // 408 and 429 are the only 4xx statuses for which a retry may help (RFC 9110, RFC 6585).
    throw status >= 400 && status < 500 && status !== 408 && status !== 429 ? notFound(name, error.message) : error;
  }
  let bytes = rest ? from : 0;
  const file = await open(target, rest ? 'a' : 'w');
  const reader = body.getReader();
  try {
    if (bytes + Number(response.headers.get('content-length') ?? 0) > LARGEST) throw tooLarge(name);
    for (;;) {
      // A retry only helps with a broken connection, not with a full disk.
      const next = await reader.read().catch((broken: unknown) => ({ broken }));
      if ('broken' in next) return { bytes, broken: next.broken };
      if (next.done) return { bytes };
      onData();
      bytes += next.value.length;
      if (bytes > LARGEST) throw tooLarge(name);
      await file.appendFile(next.value);
    }
  } finally {
    await reader.cancel().catch(() => {});
    await file.close();
  }
}

/** Returns an address without anything that may be secret: credentials, and the query of a signed URL. */
function printable(address: string): string {
  if (address.startsWith('store:')) return address;
  if (!URL.canParse(address)) throw notFound(address.split('?')[0].replace(/\/\/.*@/, '//'), 'it is not a URL');
  const { origin, pathname } = new URL(address);
  return origin + pathname;
}

function notFound(name: string, why: string, cause?: unknown): CryfoldError {
  return new CryfoldError('WEIGHTS_NOT_FOUND', `${name}: ${why}`, {
    context: { source: name },
    hint: `Specify the path of a file such as Keras's ${PUBLISHED_WEIGHTS.name}, or use weights: random.`,
    cause,
  });
}

function tooLarge(name: string): CryfoldError {
  return new CryfoldError(
    'WEIGHTS_INVALID',
    `${name}: it is larger than ${LARGEST / 2 ** 20} MiB, so it is not a weights file`,
    {
      context: { file: name },
      hint: "The largest supported file, Keras's `notop` weights of ResNet152, is 235 MB.",
    },
  );
}
