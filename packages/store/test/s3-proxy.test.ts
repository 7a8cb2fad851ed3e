import assert from 'node:assert/strict';
import dns from 'node:dns';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, mock, type TestContext, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { ConnectProxy, findTool, IdentityIssuer, MINIO_ROLE, S3Server, selfSigned } from '@cryfold/testing';
import { openStore } from '../src/index.js';
import { S3Keys } from '../src/s3-keys.js';

const program = await findTool('minio');
const skip = program ? false : 'minio is neither on PATH nor in $CRYFOLD_TOOLS nor in the cache';
const PASSWORD = 'proxy-s3cr3t';
const VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
const DOMAIN = 's3.test';
const byte = Uint8Array.of(1);

let folder: string;
let proxy: ConnectProxy;
let address: string;
/** Serves host names in DOMAIN, which this machine cannot resolve, and has a self-signed certificate */
let secure: S3Server;
let plain: S3Server;
let issuer: IdentityIssuer;

before(async () => {
  if (!program) return;
  folder = await mkdtemp(join(tmpdir(), 'cryfold-proxy-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'ca.pem')];
  selfSigned({ key, certificate, names: [`DNS:${DOMAIN}`, `DNS:*.${DOMAIN}`, 'IP:127.0.0.1'] });
  issuer = await IdentityIssuer.start();
  [proxy, secure, plain] = await Promise.all([
    ConnectProxy.start(`somebody:${PASSWORD}`),
    S3Server.start({ tool: 'minio', program, domain: DOMAIN, tls: { key, certificate } }),
    S3Server.start({ tool: 'minio', program, environment: issuer.minio }),
  ]);
  address = `http://somebody:${PASSWORD}@127.0.0.1:${proxy.port}`;
});
after(async () => {
  await Promise.all([proxy?.stop(), secure?.stop(), plain?.stop()]);
  issuer?.stop();
  if (folder) await rm(folder, { recursive: true });
});
beforeEach(() => {
  for (const name of VARIABLES) {
    delete process.env[name];
    delete process.env[name.toLowerCase()];
  }
  if (!proxy) return;
  proxy.asked.length = 0;
  proxy.refuses = undefined;
  proxy.hangs = false;
});

interface Others {
  addressing?: 'path' | 'host';
  silenceMs?: number;
}

async function open(server: S3Server, endpoint: string, others: Others = {}) {
  const { addressing = 'path', silenceMs = 2000 } = others;
  const { bucket, region, accessKey, secretKey } = server;
  const certificates = server === secure ? await readFile(join(folder, 'ca.pem'), 'utf8') : undefined;
  const settings = { endpoint, region, accessKey, secretKey, addressing, certificates };
  return openStore(`s3://${bucket}/proxied`, settings, { patienceMs: 100, silenceMs, partBytes: 5 * 2 ** 20 });
}

const http = () => `http://minio.test:${plain.port}`;
const hosts = () => [...new Set(proxy.asked)];

/** Resolves every name to this machine. @returns the names that were looked up */
function resolveHere(t: TestContext): string[] {
  const names: string[] = [];
  type Done = (...answer: unknown[]) => void;
  const lookup = mock.method(dns, 'lookup', (host: string, { all }: { all?: boolean }, done: Done) => {
    names.push(host);
    if (all) done(null, [{ address: '127.0.0.1', family: 4 }]);
    else done(null, '127.0.0.1', 4);
  });
  t.after(() => lookup.mock.restore());
  return names;
}

/** Asserts that the store is unreachable, and that the error mentions the proxy and contains no secret. */
async function assertUnreachable(action: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof CryfoldError && error.code === 'STORE_UNREACHABLE', String(error));
    assert.match(error.message, message);
    assert.match(error.hint ?? '', /NO_PROXY/);
    assert.doesNotMatch(JSON.stringify(error.toRecord()), new RegExp(PASSWORD));
    return true;
  });
}

test('reaches an S3 server over TLS through HTTPS_PROXY tunnels, by the host name of its bucket', {
  skip,
}, async () => {
  process.env.HTTPS_PROXY = address;
  const store = await open(secure, secure.endpoint, { addressing: 'host' });
  await store.check();
  const large = new Uint8Array(6 * 2 ** 20).fill(7);
  await store.put('large', large);
  assert.deepEqual(new Uint8Array((await store.get('large'))!), large);
  const wins = await Promise.all(Array.from({ length: 16 }, () => store.putIfAbsent('once', byte)));
  assert.equal(wins.filter(Boolean).length, 1);
  assert.deepEqual(hosts(), [`${secure.bucket}.${DOMAIN}:${secure.port}`]);
  const tunnels = proxy.asked.length;
  for (let i = 0; i < 5; i++) await store.get('once');
  assert.ok(proxy.asked.length < tunnels + 5, 'tunnels are used again');
  await store.close();
});

test('reaches an endpoint without TLS only through HTTP_PROXY, or directly if NO_PROXY lists it', {
  skip,
}, async (t) => {
  process.env.http_proxy = address;
  const through = await open(plain, http());
  await through.put('a', byte);
  await through.close();
  assert.deepEqual(hosts(), [`minio.test:${plain.port}`]);

  const names = resolveHere(t);
  for (const settings of [
    { HTTPS_PROXY: address },
    { HTTP_PROXY: address, NO_PROXY: 'minio.test' },
    { HTTP_PROXY: address, no_proxy: 'other.test .test' },
    { HTTP_PROXY: address, NO_PROXY: `minio.test:${plain.port}` },
  ]) {
    proxy.asked.length = names.length = 0;
    for (const name of VARIABLES) {
      delete process.env[name];
      delete process.env[name.toLowerCase()];
    }
    Object.assign(process.env, settings);
    const direct = await open(plain, http());
    assert.equal(await direct.has('a'), true);
    await direct.close();
    assert.deepEqual([hosts(), [...new Set(names)]], [[], ['minio.test']], JSON.stringify(settings));
  }
});

test('never uses a proxy for loopback', { skip }, async () => {
  Object.assign(process.env, { HTTP_PROXY: address, ALL_PROXY: address });
  const store = await open(plain, plain.endpoint);
  assert.equal(await store.get('absent'), undefined);
  await store.close();
  assert.deepEqual(proxy.asked, []);
});

test('does not mistake the refusal of a proxy for a response from the S3 server', { skip }, async () => {
  process.env.HTTP_PROXY = address;
  const store = await open(plain, http());
  for (const status of [403, 404, 412, 502]) {
    proxy.refuses = status;
    await assertUnreachable(store.get('a'), new RegExp(`responded with status ${status}`));
    await assertUnreachable(store.putIfAbsent('refused', byte), new RegExp(`responded with status ${status}`));
  }
  proxy.refuses = undefined;
  assert.equal(await store.get('refused'), undefined);
  await store.close();
  process.env.HTTP_PROXY = address.replace(PASSWORD, 'wrong');
  const wrong = await open(plain, http());
  await assertUnreachable(wrong.get('a'), /the proxy responded with status 407/);
  await wrong.close();
});

test('gives up on an unreachable or hanging proxy, and closes its connections', { skip }, async () => {
  process.env.HTTP_PROXY = address;
  const store = await open(plain, http(), { silenceMs: 500 });
  proxy.hangs = true;
  const before = proxy.open;
  await assertUnreachable(store.get('a'), /the proxy did not respond within 500 ms/);
  assert.equal(proxy.open, before);
  await store.close();
  process.env.HTTP_PROXY = 'http://127.0.0.1:1';
  const away = await open(plain, http());
  await assertUnreachable(away.get('a'), /ECONNREFUSED \(through a proxy\)/);
  await away.close();
});

test('contacts STS through the proxy as well', { skip }, async () => {
  process.env.HTTP_PROXY = address;
  const tokenFile = join(folder, 'token');
  const webIdentity = {
    tokenFile,
    roleArn: MINIO_ROLE,
    sessionName: 'test',
    endpoint: `http://sts.test:${plain.port}`,
  };
  const keys = new S3Keys({ webIdentity }, { silenceMs: 2000 });
  proxy.refuses = 403;
  await writeFile(tokenFile, issuer.token(60));
  await assert.rejects(keys.get(), /STS at http:\/\/sts\.test:\d+\/? did not return keys: the proxy .* status 403/);
  proxy.refuses = undefined;
  for (const end = Date.now() + 20_000; ; ) {
    // MinIO responds before it has loaded its issuer.
    const found = await keys.get().catch((error) => error);
    if (found.accessKey) break;
    assert.ok(Date.now() < end, String(found));
  }
  assert.deepEqual(hosts(), [`sts.test:${plain.port}`]);
});
