import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, type TestContext, test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import { resolveWeights } from '../src/weights-source.js';

const BYTES = Buffer.alloc(300_000, 'weights');
const HASH = sha256(BYTES);

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cryfold-source-'));
});
after(() => rm(directory, { recursive: true }));

/** A separate cache directory, and an empty store. */
async function options() {
  return { cacheDirectory: await mkdtemp(join(directory, 'cache-')), fetchContent: async () => undefined };
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failure(promise: Promise<unknown>, code: string): Promise<CryfoldError> {
  const error = await promise.then(
    () => assert.fail('resolved'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof CryfoldError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

const cached = async (cache: string) => (await readdir(join(cache, 'weights'))).sort();

test('uses a local weights file in place', async () => {
  const path = join(directory, 'local #1.h5');
  await writeFile(path, BYTES);
  assert.deepEqual(await resolveWeights(path, await options()), { path, sha256: HASH });
});

test('downloads weights once, even for concurrent callers, and again if the copy is damaged', async (t) => {
  let requests = 0;
  const url = await serve(t, (_request, response) => {
    requests++;
    response.end(BYTES);
  });
  const use = await options();
  const source = `${url}/w.h5#sha256=${HASH}`;
  const found = await Promise.all([resolveWeights(source, use), resolveWeights(source, use)]);
  assert.deepEqual(found[0], found[1]);
  assert.deepEqual(await readFile(found[0].path), BYTES);
  const before = requests;
  assert.deepEqual(await resolveWeights(source, use), found[0]);
  assert.equal(requests, before);
  await writeFile(found[0].path, BYTES.subarray(1));
  await resolveWeights(source, use);
  assert.equal(requests, before + 1);
  assert.deepEqual(await readFile(found[0].path), BYTES);
  assert.equal((await cached(use.cacheDirectory)).length, 1);
});

test('rejects a weights file with a wrong hash, and does not keep it', async (t) => {
  const url = await serve(t, (_request, response) => response.end('<html>Please log in</html>'));
  const use = await options();
  const error = await failure(resolveWeights(`${url}/w.h5?token=secret#sha256=${HASH}`, use), 'WEIGHTS_INVALID');
  assert.match(error.message, new RegExp(`^${url}/w\\.h5: its hash is .*, not ${HASH}`));
  assert.deepEqual(await cached(use.cacheDirectory), []);
});

test('a URL or store key of weights needs a hash, unless it refers to the published file', async (t) => {
  const url = await serve(t, (_request, response) => response.end(BYTES));
  const use = await options();
  for (const source of [`${url}/w.h5`, `${url}/w.h5#sha256=abc`, 'store:w.h5', 'store:w.h5#md5=']) {
    assert.match(
      (await failure(resolveWeights(source, use), 'WEIGHTS_INVALID')).message,
      /w\.h5: the hash of the file is missing/,
    );
  }
  const published = `${url}/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5`;
  const error = await failure(resolveWeights(published, use), 'WEIGHTS_INVALID');
  assert.match(error.message, /not 4d473c1dd8becc155b73f8504c6f6626/);
});

test('distinguishes permanent from temporary download failures', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': BYTES.length });
      response.write(BYTES.subarray(0, 1000), () => response.destroy());
    } else {
      response.statusCode = Number(request.url?.slice(1));
      response.end('no');
    }
  });
  const use = await options();
  const from = (address: string) => resolveWeights(`${address}#sha256=${HASH}`, use);
  assert.match((await failure(from(`${url}/404`), 'WEIGHTS_NOT_FOUND')).message, /\/404: HTTP status 404/);
  for (const path of ['429', '503', 'cut']) {
    assert.ok((await failure(from(`${url}/${path}`), 'WEIGHTS_UNREACHABLE')).retryable, path);
  }
  const closed = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const refused = await failure(from(`http://127.0.0.1:${port}/w.h5`), 'WEIGHTS_UNREACHABLE');
  assert.match(refused.message, /\/w\.h5: the download failed \(ECONNREFUSED\)/);
  assert.deepEqual(await cached(use.cacheDirectory), []);
});

test('continues a download where its connection broke, even if the server ignores ranges', async (t) => {
  const asked: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    asked.push(request.headers.range);
    const from = request.url === '/whole' ? 0 : Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`;
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': BYTES.length - from,
      ...(from > 0 ? { 'content-range': range } : {}),
    });
    // Each connection breaks 100,000 bytes later than the previous one.
    const end = request.url === '/whole' ? asked.length * 100_000 : from + 100_000;
    response.write(BYTES.subarray(from, end), () => (end >= BYTES.length ? response.end() : response.destroy()));
  });
  for (const [path, first] of [
    ['whole', 0],
    ['ranges', asked.length],
  ] as const) {
    const use = await options();
    const { path: file } = await resolveWeights(`${url}/${path}#sha256=${HASH}`, use);
    assert.deepEqual(await readFile(file), BYTES);
    assert.ok(asked.length > first + 1, 'several connections');
    assert.deepEqual(await cached(use.cacheDirectory), [`${HASH}.h5`]);
  }
  assert.match(asked.at(-1) ?? '', /^bytes=[1-9]\d*-$/);
});

test('tolerates a connection that breaks after the last byte', async (t) => {
  const ranges: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    const { range } = request.headers;
    ranges.push(range);
    const from = Number(/\d+/.exec(range ?? '0')?.[0]);
    if (from === BYTES.length) {
      response.statusCode = 416;
      response.end();
      return;
    }
    // The kernel may discard the last bytes of a connection that is destroyed, so the client may have to request them
    // again.
    const content = { 'content-range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` };
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? content : {});
    response.write(BYTES.subarray(from), () => response.destroy());
  });
  const { path } = await resolveWeights(`${url}/w.h5#sha256=${HASH}`, await options());
  assert.deepEqual(await readFile(path), BYTES);
  assert.equal(ranges.at(-1), `bytes=${BYTES.length}-`);
});

test('gives up after 20 broken connections', async (t) => {
  let connections = 0;
  const url = await serve(t, (request, response) => {
    connections++;
    const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? { 'content-range': `bytes ${from}-999/1000` } : {});
    response.write('x', () => response.destroy());
  });
  await failure(resolveWeights(`${url}/w.h5#sha256=${HASH}`, await options()), 'WEIGHTS_UNREACHABLE');
  assert.equal(connections, 20);
});

test('sends the credentials of a URL, but never shows them', async (t) => {
  const url = await serve(t, (request, response) => {
    response.statusCode = request.headers.authorization === `Basic ${btoa('ann:p@ss')}` ? 200 : 401;
    response.end(BYTES);
  });
  const use = await options();
  const withUser = (password: string) =>
    `${url.replace('//', `//ann:${password}@`)}/w.h5?signature=hidden#sha256=${HASH}`;
  const error = await failure(resolveWeights(withUser('secret'), use), 'WEIGHTS_NOT_FOUND');
  assert.doesNotMatch(JSON.stringify(error.toRecord()), /secret|ann|hidden/);
  assert.equal((await resolveWeights(withUser('p%40ss'), use)).sha256, HASH);
});

test('reads weights from the store only once, using the given function', async () => {
  const keys: string[] = [];
  const use = {
    ...(await options()),
    fetchContent: async (key: string) => {
      keys.push(key);
      return key === 'a/b.h5' ? Readable.from([BYTES]) : undefined;
    },
  };
  const first = await resolveWeights(`store:a/b.h5#sha256=${HASH}`, use);
  assert.deepEqual(await resolveWeights(`store:a/b.h5#sha256=${HASH}`, use), first);
  assert.deepEqual(keys, ['a/b.h5']);
  const absent = await failure(resolveWeights(`store:c.h5#md5=${'0'.repeat(32)}`, use), 'WEIGHTS_NOT_FOUND');
  assert.match(absent.message, /store:c\.h5: the store has no such key/);
  const down = new CryfoldError('STORE_UNREACHABLE', 'down');
  const broken = { ...use, fetchContent: () => Promise.reject(down) };
  await assert.rejects(resolveWeights(`store:d.h5#md5=${'0'.repeat(32)}`, broken), down);
});

test('stops an endless download at the size limit, and a stalled one after its timeout', async (t) => {
  const piece = Buffer.alloc(2 ** 20);
  let sent = 0;
  const url = await serve(t, (request, response) => {
    if (request.url === '/huge') response.setHeader('content-length', 2 ** 40);
    if (request.url !== '/silent') {
      const more = () => {
        while (response.write(piece)) sent += piece.length;
        sent += piece.length;
      };
      response.on('drain', more);
      more();
    } else response.write('x');
  });
  const use = await options();
  const from = (path: string, silenceMs?: number) =>
    resolveWeights(`${url}/${path}#sha256=${HASH}`, { ...use, ...(silenceMs ? { silenceMs } : {}) });
  for (const path of ['endless', 'huge']) {
    sent = 0;
    assert.match((await failure(from(path), 'WEIGHTS_INVALID')).message, /larger than 256 MiB/);
    assert.ok(sent < (path === 'huge' ? 64 : 400) * 2 ** 20, `${sent} bytes were sent`);
  }
  const silent = await failure(from('silent', 300), 'WEIGHTS_UNREACHABLE');
  assert.match(silent.message, /no data within 0\.3 s/);
  assert.ok(silent.retryable);
  assert.deepEqual(await cached(use.cacheDirectory), []);
});

test('rejects a store key above the size limit while reading it', async () => {
  const content = async function* () {
    for (;;) yield Buffer.alloc(2 ** 20);
  };
  const use = { ...(await options()), fetchContent: async () => content() };
  await failure(resolveWeights(`store:a.h5#sha256=${HASH}`, use), 'WEIGHTS_INVALID');
  assert.deepEqual(await cached(use.cacheDirectory), []);
});

test('removes only partial downloads of dead processes', async (t) => {
  const url = await serve(t, (_request, response) => response.end(BYTES));
  const use = await options();
  const folder = join(use.cacheDirectory, 'weights');
  await mkdir(folder);
  const other = '0'.repeat(64);
  const part = (i: number) => `${other}.h5.00000000-0000-4000-8000-00000000000${i}`;
  const names = [part(1), part(2), `${other}.h5`, `${other}.h5.txt`];
  for (const name of names) await writeFile(join(folder, name), 'x');
  const earlier = Date.now() / 1000 - 2 * 3600;
  for (const name of names.filter((name) => name !== part(2))) await utimes(join(folder, name), earlier, earlier);
  await resolveWeights(`${url}/w.h5#sha256=${HASH}`, use);
  assert.deepEqual(await cached(use.cacheDirectory), [`${other}.h5`, part(2), `${other}.h5.txt`, `${HASH}.h5`].sort());
});
