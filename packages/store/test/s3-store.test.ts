import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import dns from 'node:dns';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { findTool, S3_TOOLS, S3Server, selfSigned, TcpProxy } from '@cryfold/testing';
import { Client } from 'minio';
import { openStore, type S3Limits, type S3Settings } from '../src/index.js';
import { uploadInParts } from '../src/s3-parts.js';
import { describeArtifactStore } from './conformance.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const rejectsWith = (code: string) => (error: unknown) =>
  error instanceof CryfoldError && error.code === code && !/[0-9a-f]{32}/.test(error.message);

function settings(server: S3Server, changes: Partial<S3Settings> = {}): S3Settings {
  const { endpoint, region, accessKey, secretKey } = server;
  return { endpoint, region, accessKey, secretKey, addressing: 'path', ...changes };
}

/** Creates a minio-js client. */
function rawClient({ port, region, accessKey, secretKey }: S3Server): Client {
  return new Client({ endPoint: '127.0.0.1', port, useSSL: false, region, accessKey, secretKey });
}

let next = 0;
const open = (server: S3Server, changes?: Partial<S3Settings>, limits?: S3Limits) =>
  openStore(`s3://${server.bucket}/test/${next++}`, settings(server, changes), limits);

const programs = new Map<string, string>();
for (const tool of S3_TOOLS) {
  const program = await findTool(tool);
  if (program) programs.set(tool, program);
}
const WHERE = 'is neither on PATH nor in $CRYFOLD_TOOLS nor in the cache';

for (const tool of S3_TOOLS) {
  const program = programs.get(tool);
  if (!program) {
    test(`s3 store on ${tool}`, { skip: `${tool} ${WHERE}` }, () => {});
    continue;
  }
  const server = await S3Server.start({ tool, program });
  after(() => server.stop());
  describeArtifactStore(`s3 store on ${tool}`, async () => open(server));

  test(`s3 store on ${tool}: lists more than one page, each key once and in order`, async () => {
    const store = open(server);
    const names = Array.from({ length: 1050 }, (_, i) => `p/${String(i).padStart(5, '0')}`);
    for (let i = 0; i < names.length; i += 50) {
      await Promise.all(names.slice(i, i + 50).map((name) => store.put(name, bytes('x'))));
    }
    const found: string[] = [];
    for await (const key of store.list('p/')) found.push(key);
    assert.deepEqual(found, names);
    await store.close();
  });

  test(`s3 store on ${tool}: uploads a large object in parts, even with two concurrent writers`, async () => {
    const store = open(server, {}, { partBytes: 5 * 2 ** 20 });
    const large = randomBytes(12 * 2 ** 20 + 7);
    await Promise.all([store.put('large', large), store.put('large', large)]);
    assert.equal(Buffer.compare(Buffer.from((await store.get('large'))!), large), 0);
    const raw = rawClient(server);
    assert.match((await raw.statObject(server.bucket, `test/${next - 1}/large`)).etag, /-3$/, 'three parts');
    assert.equal(await store.putIfAbsent('large', large), false);
    assert.equal(await store.putIfAbsent('large2', large), true);
    const unfinished: string[] = [];
    for await (const { key } of raw.listIncompleteUploads(server.bucket, `test/${next - 1}/`, true))
      unfinished.push(key);
    assert.deepEqual(unfinished, [], 'losers leave no parts behind');
    await store.close();
  });
}

const [tool, program] = [...programs][0] ?? [];
const skip = program === undefined && `no S3 server: ${S3_TOOLS.join(' or ')} ${WHERE}`;

let server: S3Server;
let proxy: TcpProxy;
let folder: string;
before(async () => {
  if (!program) return;
  folder = await mkdtemp(join(tmpdir(), 'cryfold-s3-test-'));
  server = await S3Server.start({ tool: tool as S3Server['tool'], program });
  proxy = await TcpProxy.start(server.port);
});
after(async () => {
  await proxy?.stop();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const throughProxy = (limits?: S3Limits) => open(server, { endpoint: `http://127.0.0.1:${proxy.port}` }, limits);

test('s3 store: rejects damaged objects and objects that are too large', { skip }, async () => {
  const store = open(server, {}, { patienceMs: 300, maxBytes: 100 });
  const raw = rawClient(server);
  await store.put('a', bytes('good'));
  const body = Buffer.from('evil');
  await raw.putObject(server.bucket, `test/${next - 1}/a`, body, 4, { 'x-amz-meta-sha256': '0'.repeat(64) });
  await assert.rejects(store.get('a'), rejectsWith('ARTIFACT_CORRUPT'));
  const damaged = await store.open('a');
  await assert.rejects(damaged?.stream.toArray() ?? assert.fail(), rejectsWith('ARTIFACT_CORRUPT'));
  await store.put('b', new Uint8Array(101));
  await assert.rejects(store.get('b'), rejectsWith('ARTIFACT_TOO_LARGE'));
  await store.close();
});

test('s3 store: keeps its keys under its prefix and does not list other objects', { skip }, async () => {
  const inner = openStore(`s3://${server.bucket}/in/ner`, settings(server));
  const outer = openStore(`s3://${server.bucket}`, settings(server));
  await inner.put('k', bytes('x'));
  const raw = rawClient(server);
  await raw.putObject(server.bucket, 'in/ner/odd name', 'x');
  const found: string[] = [];
  for await (const key of inner.list('')) found.push(key);
  assert.deepEqual(found, ['k']);
  assert.ok(await outer.has('in/ner/k'));
  for (const url of ['s3://', 's3:///x', 's3://Bucket', 's3://b', 's3://bucket/../x', 's3://bucket/a//b']) {
    assert.throws(() => openStore(url, settings(server)), CryfoldError, url);
  }
  assert.throws(() => openStore('s3://bucket/x'), rejectsWith('STORE_URL_INVALID'), 'no credentials');
  await Promise.all([inner.close(), outer.close()]);
});

for (const fault of ['cut', 503, 500, 507, 'hang', 'slow', 'answer-lost'] as const) {
  test(`s3 store: survives a network that is ${fault} for a while`, { skip }, async () => {
    const store = throughProxy({ silenceMs: 800, partBytes: 5 * 2 ** 20 });
    await store.put('before', bytes('one'));
    proxy.set(fault);
    // Duration of the fault.
    const timer = setTimeout(() => proxy.set('none'), 700);
    await store.put('during', bytes('two'));
    assert.equal(await store.putIfAbsent('commit', bytes('three')), true);
    assert.equal(await store.putIfAbsent('parts', new Uint8Array(5 * 2 ** 20 + 1)), true);
    clearTimeout(timer);
    proxy.set('none');
    assert.deepEqual(new Uint8Array((await store.get('during'))!), bytes('two'));
    assert.deepEqual(new Uint8Array((await store.get('commit'))!), bytes('three'));
    await store.close();
  });
}

test('s3 store: distinguishes a successful commit whose response was lost from one that another writer won', {
  skip,
}, async () => {
  const mine = throughProxy();
  proxy.set('answer-lost');
  // Duration of the fault.
  setTimeout(() => proxy.set('none'), 300);
  assert.equal(await mine.putIfAbsent('c', bytes('mine')), true);
  next--;
  const other = open(server);
  assert.equal(await other.putIfAbsent('c', bytes('theirs')), false);
  await Promise.all([mine.close(), other.close()]);
});

test('s3 store: distinguishes a successful multipart upload whose responses were lost from one that another writer won', {
  skip,
}, async () => {
  const client = rawClient(server);
  const request = async <T>(action: (attempt: number) => Promise<T>): Promise<T> => {
    const wrapped = (cause: unknown) => {
      throw new Error('failed', { cause });
    };
    await action(0).catch(() => {});
    return action(1).catch(wrapped);
  };
  for (const ifAbsent of [true, false]) {
    const name = `lost/${ifAbsent}`;
    const upload = (text: string) =>
      uploadInParts([Buffer.from(text)], {
        ...{ client, bucket: server.bucket, name, metadata: {} },
        ifAbsent,
        request,
      });
    assert.equal(await upload('mine'), true);
    assert.equal(await upload('theirs'), !ifAbsent);
  }
  const kept = await openStore(`s3://${server.bucket}/lost`, settings(server)).get('true');
  assert.deepEqual(new Uint8Array(kept!), bytes('mine'));
});

test('s3 store: gives up after its time limit, and reconnects to a restarted server', { skip }, async () => {
  const store = open(server, {}, { patienceMs: 500 });
  await server.kill();
  await assert.rejects(store.get('x'), rejectsWith('STORE_UNREACHABLE'));
  await assert.rejects(store.check(), rejectsWith('STORE_UNREACHABLE'));
  await server.restart();
  assert.equal(await store.get('x'), undefined);
  await store.close();
});

test('s3 store: reports wrong credentials and a missing bucket immediately, without secrets', { skip }, async () => {
  const started = Date.now();
  const denied = open(server, { secretKey: 'f'.repeat(32) });
  await assert.rejects(denied.check(), rejectsWith('STORE_DENIED'));
  const absent = openStore('s3://no-such-bucket', settings(server));
  await assert.rejects(absent.check(), rejectsWith('STORE_BUCKET_MISSING'));
  assert.ok(Date.now() - started < 3000);
  await Promise.all([denied.close(), absent.close()]);
});

test('s3 store: rejects a server that ignores If-None-Match', async () => {
  const objects = new Map<string, Buffer>();
  const careless = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const key = request.url ?? '';
      if (request.method === 'PUT') objects.set(key, Buffer.concat(chunks));
      if (request.method === 'DELETE') objects.delete(key);
      response.setHeader('etag', '"x"');
      if (request.method !== 'PUT') response.setHeader('content-length', objects.get(key)?.length ?? 0);
      response.end(request.method === 'GET' ? objects.get(key) : undefined);
    });
  });
  await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve));
  const { port } = careless.address() as { port: number };
  const store = openStore('s3://bucket', {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    addressing: 'path',
    accessKey: 'a',
    secretKey: 'b',
  });
  try {
    await assert.rejects(store.check(), rejectsWith('STORE_UNSAFE'));
  } finally {
    await store.close();
    careless.closeAllConnections();
    careless.close();
  }
});

test('s3 store: supports TLS with a custom certificate, and the bucket in the host name', { skip }, async (t) => {
  const [certificate, key] = [join(folder, 'public.crt'), join(folder, 'private.key')];
  const domain = 's3.test';
  try {
    selfSigned({ key, certificate, names: [`DNS:${domain}`, `DNS:*.${domain}`, 'IP:127.0.0.1'] });
  } catch {
    return t.skip('openssl is not installed');
  }
  const options = { tool: tool as S3Server['tool'], program: program!, domain, tls: { certificate, key } };
  const secure = await S3Server.start(options);
  const hosts: string[] = [];
  const lookup = mock.method(
    dns,
    'lookup',
    (host: string, options: { all?: boolean }, done: (...a: unknown[]) => void) => {
      hosts.push(host);
      if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
      else done(null, '127.0.0.1', 4);
    },
  );
  try {
    const certificates = await readFile(certificate, 'utf8');
    const store = open(secure, { certificates, addressing: 'host' });
    await store.check();
    await store.put('a/b', bytes('x'));
    assert.deepEqual(new Uint8Array((await store.get('a/b'))!), bytes('x'));
    assert.deepEqual([...new Set(hosts)], [`${secure.bucket}.${domain}`]);
    const trusting = open(secure, { addressing: 'host' });
    await assert.rejects(trusting.check(), rejectsWith('STORE_UNREACHABLE'), 'an unknown certificate');
    await Promise.all([store.close(), trusting.close()]);
  } finally {
    lookup.mock.restore();
    await secure.stop();
  }
});
