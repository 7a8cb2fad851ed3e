import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ConnectProxy, selfSigned } from '@cryfold/testing';
import { cryfold, ROOT, temporaryFolder } from './command.js';

const SECRET = 'proxy-s3cr3t';
const TOKEN = 'operate-token-operate';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let proxy: ConnectProxy;
let address: string;
let caches = 0;
const path = (name: string) => join(folder.path, name);

before(async () => {
  folder = await temporaryFolder();
  proxy = await ConnectProxy.start(`somebody:${SECRET}`);
  address = `http://somebody:${SECRET}@127.0.0.1:${proxy.port}`;
});
after(async () => {
  await proxy.stop();
  await folder.remove();
});

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Does some work. @returns its result, and the requests that the proxy received meanwhile */
async function asked<T>(work: () => Promise<T>): Promise<[T, string[]]> {
  const before = proxy.asked.length;
  const result = await work();
  return [result, proxy.asked.slice(before)];
}

test('downloads weights through the proxy in HTTP_PROXY, unless NO_PROXY contains their host', async (t) => {
  const port = await listening(
    t,
    createServer((_request, response) => response.end('no weights')),
  );
  const hash = createHash('sha256').update('no weights').digest('hex');
  const fetchWith = (environment: Record<string, string>) =>
    asked(() =>
      cryfold(['weights', 'fetch', `http://weights.test:${port}/w.h5`, '--sha256', hash], {
        CRYFOLD_CACHE: path(`cache-${caches++}`),
        ...environment,
      }),
    );
  const [through, hosts] = await fetchWith({ HTTP_PROXY: address });
  // This error shows that the file was downloaded, since it contains no valid weights.
  assert.match(through.stderr, /WEIGHTS_INVALID/);
  assert.deepEqual(hosts, [`weights.test:${port}`]);

  const [direct, none] = await fetchWith({ http_proxy: address, NO_PROXY: 'other.test,.test' });
  assert.match(direct.stderr, /WEIGHTS_UNREACHABLE: .*(ENOTFOUND|EAI_AGAIN)/);
  assert.deepEqual(none, []);

  proxy.refuses = 403;
  const [refused] = await fetchWith({ HTTP_PROXY: address });
  proxy.refuses = undefined;
  assert.match(refused.stderr, /WEIGHTS_UNREACHABLE: .*[Pp]roxy.*403/);
  assert.ok(![through, direct, refused].some(({ stderr }) => stderr.includes(SECRET)), 'the password was printed');
});

test('--server uses a tunnel through the proxy in HTTPS_PROXY, but connects to loopback directly', async (t) => {
  try {
    selfSigned({ key: path('key.pem'), certificate: path('ca.pem'), names: ['DNS:api.test'] });
  } catch {
    t.skip('openssl is not installed');
    return;
  }
  const tokens: (string | undefined)[] = [];
  const answer: RequestListener = (request, response) => {
    tokens.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
  };
  const tls = { key: await readFile(path('key.pem')), cert: await readFile(path('ca.pem')) };
  const port = await listening(t, createSecureServer(tls, answer));
  const environment = { HTTPS_PROXY: address, CRYFOLD_API_TOKEN: TOKEN, NODE_EXTRA_CA_CERTS: path('ca.pem') };
  const list = (url: string, others = {}) =>
    asked(() => cryfold(['list', '--server', url], { ...environment, ...others }));
  const [through, hosts] = await list(`https://api.test:${port}`);
  assert.deepEqual([through.code, through.stdout], [0, 'no runs\n'], through.stderr);
  assert.deepEqual(hosts, [`api.test:${port}`]);
  assert.deepEqual(tokens, [`Bearer ${TOKEN}`]);

  const plain = await listening(t, createServer(answer));
  const [direct, none] = await list(`http://127.0.0.1:${plain}`, { HTTP_PROXY: address });
  assert.deepEqual([direct.code, none], [0, []], direct.stderr);

  const [wrong] = await list(`https://api.test:${port}`, { HTTPS_PROXY: address.replace(SECRET, 'wrong') });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /SERVER_UNREACHABLE: .*[Pp]roxy.*407/);
  assert.ok(!wrong.stderr.includes('wrong@'));
});

test('sends traces to their collector through the proxy', async (t) => {
  const paths: (string | undefined)[] = [];
  const collector = createServer((request, response) => {
    paths.push(request.url);
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  const port = await listening(t, collector);
  const runtime = pathToFileURL(join(ROOT, 'packages/runtime/dist/src/index.js')).href;
  const script = `
    const { startTracing, traced } = await import(${JSON.stringify(runtime)});
    const stop = await startTracing('worker', 'http://collector.test:${port}');
    await traced('work', {}, async () => {});
    await stop();`;
  const [, hosts] = await asked(() =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, HTTP_PROXY: address, NO_PROXY: '' },
    }),
  );
  assert.deepEqual([hosts, paths], [[`collector.test:${port}`], ['/v1/traces']]);
});
