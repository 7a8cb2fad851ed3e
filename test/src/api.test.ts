import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { aggregate } from '@cryfold/aggregator';
import { type ApiServer, Feed } from '@cryfold/api-server';
import { type CryfoldError, ERROR_CODES } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { HttpClient, HttpStore } from '@cryfold/run-control';
import { type ApiConfig, createLogger, loadConfig } from '@cryfold/runtime';
import { type ArtifactStore, RunStore } from '@cryfold/store';
import { rawRecords } from '@cryfold/store/testing';
import { freePort } from '@cryfold/testing';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, ownStore, processes, start, TINY_SPEC, temporaryFolder, until, untilReady } from './command.js';
import { writeRandomRun } from './random-run.js';
import { API, OPERATE, READ, startApi } from './start-service.js';
import { storeKind, type TestStore } from './stores.js';

const redis = await findRedis();
const kind = storeKind();
const withoutRedis = redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache';
const skip = withoutRedis || kind.skip;
/** For tests that do not depend on the kind of store. */
const once = kind.name === 'file store' ? skip : 'tested with the file store';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: Cluster;
let run: string;
/** The store with a generated run */
let bed: TestStore;
/** The store of the cluster that trains the runs */
let trained: TestStore;
let server: ApiServer;
const path = (name: string) => join(folder.path, name);

const serve = (api: Partial<ApiConfig> = {}) =>
  startApi({
    redisUrl: `redis://127.0.0.1:${cluster.redisPort}`,
    storeUrl: bed.storeUrl,
    s3: bed.s3,
    api: { ...API, ...api },
    checks: {},
    log: createLogger('test', 'silent'),
  });

interface Asked {
  method?: string;
  body?: string;
  headers?: Record<string, string>;
  token?: string;
}

const ask = (url: string, init: Asked = {}) => {
  const { token, headers, ...rest } = init;
  const own: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${server.url}${url}`, { redirect: 'manual', ...rest, headers: { ...own, ...headers } });
};
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

before(async () => {
  if (!redis || skip) return;
  folder = await temporaryFolder();
  cluster = await Cluster.start(folder.path, redis);
  bed = await kind.create(path('random'));
  trained = await kind.create(path('store'));
  run = (await writeRandomRun(bed.store, { clips: 60, repeats: 1 })).run;
  await aggregate(new RunStore(bed.store), run);
  server = await serve();
});
after(async () => {
  await server?.close();
  await cluster?.stop();
  await bed?.remove();
  await trained?.remove();
  await folder?.remove();
});

test('allows each role only its own actions', { skip }, async (t) => {
  // Most responses to wrong tokens are delayed. This test uses a separate server, so that other tests are not delayed
  // too.
  const other = await serve();
  t.after(() => other.close());
  const tried: Promise<void>[] = [];
  const { paths } = (await (await ask('/api/v1/openapi.json')).json()) as { paths: Record<string, object> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: path.replace('{run}', run) })),
  );
  assert.ok(routes.length >= 12, 'the document lists the routes');
  for (const { method, path } of routes) {
    if (path.endsWith('/session')) continue;
    const url = path
      .replace('{trial}', 'svm')
      .replace('{repeat}', '0')
      .replace('{fold}', '0')
      .replace('*', `runs/${run}/plan.json`);
    const body: Asked = method === 'GET' ? {} : { body: '{}', headers: { 'content-type': 'application/json' } };
    const refused = await ask(url, { method, ...body });
    assert.equal(refused.status, 401, `${method} ${url}`);
    assert.equal(await codeOf(refused), 'API_UNAUTHORIZED');
    tried.push(
      ...['wrong-wrong-wrong-wrong', `${READ}x`].map(async (token) => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
        const init = method === 'GET' ? { headers } : { method, headers, body: '{}' };
        const { status } = await fetch(`${other.url}${url}`, init);
        assert.ok(status === 401 || status === 429, `${method} ${url}: ${status}`);
      }),
    );
    const reader = await ask(url, { method, ...body, token: READ });
    if (method === 'GET') assert.notEqual(reader.status, 403, url);
    else assert.equal(await codeOf(reader), 'API_FORBIDDEN', `${method} ${url}`);
  }
  await Promise.all(tried);
  assert.equal((await ask(`/api/v1/runs/${run}/retry`, { method: 'POST', token: OPERATE })).status, 200);
});

test('keeps a browser’s session in a cookie that scripts and other sites cannot use', { skip }, async () => {
  const login = (token: string) =>
    ask('/api/v1/session', {
      method: 'POST',
      body: JSON.stringify({ token }),
      headers: { 'content-type': 'application/json' },
    });
  assert.equal((await login('wrong-wrong-wrong-wrong')).status, 401);
  const opened = await login(OPERATE);
  const set = opened.headers.get('set-cookie') ?? '';
  assert.match(set, /HttpOnly/);
  assert.match(set, /SameSite=Strict/);
  const cookie = set.split(';')[0];
  assert.ok(!cookie.includes(OPERATE));
  assert.equal((await ask('/api/v1/runs', { headers: { cookie } })).status, 200);
  const retry = (headers: Record<string, string>) =>
    ask(`/api/v1/runs/${run}/retry`, { method: 'POST', headers: { cookie, ...headers } });
  assert.equal((await retry({ origin: server.url })).status, 200);
  for (const [name, value] of [
    ['origin', 'https://evil.example'],
    ['origin', 'null'],
    ['sec-fetch-site', 'same-site'],
  ]) {
    assert.equal(await codeOf(await retry({ [name]: value })), 'API_FORBIDDEN');
  }
  const [name, value] = cookie.split('=');
  const later = value.replace(/^\d+/, (expires) => String(Number(expires) + 1));
  for (const forged of [later, `${value.slice(0, -1)}x`, value.slice(0, -1), '']) {
    assert.equal((await ask('/api/v1/runs', { headers: { cookie: `${name}=${forged}` } })).status, 401);
  }
});

test('sends security headers with all responses, and reveals no internals in errors', { skip }, async () => {
  for (const url of ['/healthz', '/api/v1/runs', '/nothing', '/api/v1/artifacts/..%2f..%2fetc/passwd']) {
    const { headers } = await ask(url, { token: READ });
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, url);
    assert.doesNotMatch(headers.get('content-security-policy') ?? '', /unsafe/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('access-control-allow-origin'), null);
  }
  const wrong = [
    ['/api/v1/runs/NOPE', 'API_INVALID'],
    ['/api/v1/runs/nope', 'RUN_NOT_FOUND'],
    [`/api/v1/runs/${run}/logs?fold=svm/9/9`, 'RUN_NOT_FOUND'],
    [`/api/v1/runs/${run}/folds/svm/0/x`, 'API_INVALID'],
    ['/api/v1/runs?limit=0', 'API_INVALID'],
    ['/api/v1/artifacts/..%2f..%2fetc/passwd', 'STORE_KEY_INVALID'],
    ['/api/v1/artifacts/.staging/x', 'STORE_KEY_INVALID'],
    ['/api/v1/artifacts?prefix=../', 'STORE_KEY_INVALID'],
    ['/api/v1/nothing', 'API_NOT_FOUND'],
  ];
  for (const [url, code] of wrong) {
    const response = await ask(url, { token: READ });
    assert.equal(await codeOf(response), code, url);
    assert.ok(response.status >= 400 && response.status < 500, url);
    assert.ok(code in ERROR_CODES);
  }
  for (const body of ['{', '[]', '{"repeats":0}', '{"repeats":"x"}', '']) {
    const headers = { 'content-type': 'application/json' };
    const response = await ask(`/api/v1/runs/${run}/extend`, { method: 'POST', body, headers, token: OPERATE });
    assert.equal(await codeOf(response), 'API_INVALID', body);
  }
});

test('serves a cached plan only while the store contains the plan', { skip }, async () => {
  const record = rawRecords(bed.store).plan(run);
  const plan = await record.read();
  const urls = [`/api/v1/runs/${run}`, `/api/v1/runs/${run}/folds/svm/0/0`, `/api/v1/runs/${run}/logs?fold=svm/0/0`];
  const statuses = () => Promise.all(urls.map(async (url) => (await ask(url, { token: READ })).status));
  assert.deepEqual(await statuses(), [200, 200, 200]);
  const first = await (await ask(urls[1], { token: READ })).text();
  await record.delete();
  assert.deepEqual(await statuses(), [404, 404, 404]);
  await record.write(plan);
  assert.deepEqual(await statuses(), [200, 200, 200]);
  assert.equal(await (await ask(urls[1], { token: READ })).text(), first);
  // Replace the plan with another one under the same key.
  const { jobs, ...rest } = JSON.parse(new TextDecoder().decode(plan));
  const fewer = { ...rest, jobs: jobs.filter(({ trial }: { trial: string }) => trial !== 'svm') };
  await record.write(JSON.stringify(fewer));
  assert.deepEqual((await statuses()).slice(1), [404, 404]);
  await record.write(plan);
  assert.deepEqual(await statuses(), [200, 200, 200]);
});

test('accepts uploads of run inputs only if the content matches the key, and each only once', {
  skip,
}, async () => {
  const store = new HttpStore(new HttpClient({ url: server.url, token: OPERATE }));
  const hash = 'a'.repeat(64);
  const refused = (key: string, code: string) =>
    assert.rejects(store.put(key, new Uint8Array([1, 2, 3])), (error: CryfoldError) => error.code === code, key);
  await refused(`weights/${hash}.h5`, 'ARTIFACT_CORRUPT');
  await refused(`features/${hash}/images.npy`, 'NPY_INVALID');
  await refused(`datasets/${hash}/manifest.json`, 'JOB_INVALID');
  await refused(`folds/${hash}/result.json`, 'API_FORBIDDEN');
  await refused(`runs/${run}/plan.json`, 'API_FORBIDDEN');
  const weights = 'weights/039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81.h5';
  assert.equal(await store.putIfAbsent(weights, new Uint8Array([1, 2, 3])), true);
  assert.equal(await store.putIfAbsent(weights, new Uint8Array([1, 2, 3])), false);
  assert.deepEqual(await store.get(weights), new Uint8Array([1, 2, 3]));
  assert.equal((await store.stat(weights))?.bytes, 3);
  assert.equal(await store.get(`weights/${hash}.h5`), undefined);
  // These are more keys than fit in one response.
  const many = Array.from({ length: 1050 }, (_, i) => `folds/many/${i}`);
  while (many.length > 0) await Promise.all(many.splice(0, 50).map((key) => bed.store.put(key, new Uint8Array())));
  const keysOf = async (from: ArtifactStore) => {
    const keys: string[] = [];
    for await (const key of from.list('folds/')) keys.push(key);
    return keys;
  };
  assert.deepEqual(await keysOf(store), await keysOf(bed.store));
});

test('refuses a submitted spec whose weights are a path or URL, and stores nothing', { skip }, async () => {
  const { dataset } = (await new RunStore(bed.store).runs.plan(run)).plan;
  let requests = 0;
  const inside = createServer((_request, response) => {
    requests++;
    response.end();
  });
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  const runs = async () => (await (await ask('/api/v1/runs', { token: READ })).json()) as { run: string }[];
  const before = (await runs()).length;
  const submit = async (weights: string, search?: unknown) =>
    codeOf(
      await ask('/api/v1/runs', {
        ...{ method: 'POST', token: OPERATE, headers: { 'content-type': 'application/json' } },
        body: JSON.stringify({
          spec: { version: 1, name: 'foreign', estimators: { net: { kind: 'tl-resnet50', weights } }, ...{ search } },
          dataset: dataset.key,
        }),
      }),
    );
  const hash = '0'.repeat(64);
  const { port } = inside.address() as { port: number };
  for (const source of [`http://127.0.0.1:${port}/w.h5#sha256=${hash}`, '/etc/passwd', 'w.h5']) {
    assert.equal(await submit(source), 'SPEC_INVALID', source);
    const search = { space: { net: { weights: { choice: ['random', source] } } } };
    assert.equal(await submit('random', search), 'SPEC_INVALID', source);
  }
  assert.equal(await submit(`store:weights/${hash}.h5#sha256=${hash}`), 'ARTIFACT_MISSING', 'the weights are missing');
  assert.equal((await runs()).length, before);
  assert.equal(requests, 0);
  inside.close();
});

test('without tokens, serves only requests to loopback host names', { skip }, async () => {
  await assert.rejects(serve({ tokens: [], host: '0.0.0.0' }), (error: CryfoldError) => error.code === 'API_EXPOSED');
  const open = await serve({ tokens: [] });
  try {
    assert.equal((await fetch(`${open.url}/api/v1/runs`)).status, 200);
    // Send the Host header of another site whose name now resolves to this server. fetch() does not allow setting Host.
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${open.url}/api/v1/runs`, { headers: { host: 'evil.example' } }, ({ statusCode }) =>
        resolve(statusCode),
      );
      asked.on('error', reject).end();
    });
    assert.equal(status, 403);
  } finally {
    await open.close();
  }
});

test('rate-limits clients, but always answers health probes', { skip }, async () => {
  const slow = await serve({ rate: 5 });
  try {
    const headers = { authorization: `Bearer ${READ}` };
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++) statuses.push((await fetch(`${slow.url}/api/v1/runs`, { headers })).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
    const other = { authorization: `Bearer ${OPERATE}` };
    assert.equal((await fetch(`${slow.url}/api/v1/runs`, { headers: other })).status, 200, 'another client');
    for (let i = 0; i < 10; i++) assert.equal((await fetch(`${slow.url}/healthz`)).status, 200);
  } finally {
    await slow.close();
  }
});

test('refuses bad tokens in the configuration without printing them', () => {
  for (const tokens of ['admin:0123456789abcdef', 'operate:short', 'hunter2hunter2hunter2']) {
    const load = () => loadConfig({ CRYFOLD_API_PORT: '0', CRYFOLD_API_TOKENS: tokens });
    assert.throws(load, (error: CryfoldError) => error.code === 'USAGE' && !error.message.includes(tokens));
  }
});

test('run --ui serves the page of a local run to anyone with the link', { skip: once }, async () => {
  await writeFile(path('ui.yaml'), TINY_SPEC.replace('epochs: 2', 'epochs: 200').replace('tiny', 'ui'));
  await synthesizeCorpus(path('ui-corpus'), { clips: 60, seed: 1 });
  const args = ['--data', path('ui-corpus'), '--estimators', 'small-cnn', ...ownStore(path('ui')), '--ui'];
  const running = start(['run', path('ui.yaml'), ...args]);
  try {
    const [, page, id, token] = await until('the address', () =>
      /live page: (http:\S+)\/#\/runs\/(\S+)\?token=([\w-]{32})\s/.exec(running.stderr()),
    );
    const headers = { authorization: `Bearer ${token}` };
    const get = (address: string) => fetch(`${page}${address}`, { headers }).then((response) => response.text());
    await until('the page', () =>
      get('/')
        .then((html) => html.includes('/page/main.js'))
        .catch(() => false),
    );
    const [{ run, state }] = JSON.parse(await get('/api/v1/runs'));
    assert.deepEqual([run, state], [id, 'running']);
    // Another user of this machine can find the port, but not the token.
    for (const [method, address] of [
      ['GET', '/api/v1/runs'],
      ['GET', '/api/v1/events'],
      ['GET', '/queues/api/queues'],
      ['POST', `/api/v1/runs/${id}/cancel`],
    ]) {
      assert.equal((await fetch(`${page}${address}`, { method })).status, 401, address);
    }
    assert.deepEqual(await (await fetch(`${page}/api/v1/session`)).json(), { role: null, open: false });
    const logs = path(join('ui/store/runs', id, 'logs'));
    for (const name of await readdir(logs)) {
      assert.ok(!(await readFile(join(logs, name), 'utf8')).includes(token), `${name} contains the token`);
    }
    assert.ok(!processes('').some(({ command }) => command.includes(token)), 'a command line contains the token');
  } finally {
    running.process.kill('SIGINT');
    assert.equal((await running.ended).code, 4);
  }
  assert.match(
    (await cryfold(['run', '--data', path('ui-corpus'), '--ui'], { CRYFOLD_SERVER: server.url })).stderr,
    /USAGE/,
  );
});

test('sends reconnecting clients the events that they missed, or a snapshot if they missed too many', () => {
  let state = 0;
  const feed = new Feed(() => state);
  const heard: string[] = [];
  const listen = (last?: string) => feed.listen(last, ({ event, data }) => heard.push(`${event} ${data}`));
  const publish = (change: unknown) => {
    state++;
    feed.publish(change);
  };
  let last = '';
  feed.listen(undefined, ({ id }) => {
    last = id;
  });
  publish('a');
  const first = last;
  publish('b');
  publish('c');
  listen(first).leave();
  assert.deepEqual(heard.splice(0), ['change "b"', 'change "c"']);
  const { leave } = listen(last);
  assert.deepEqual(heard.splice(0), [], 'nothing was missed');
  publish('d');
  leave();
  publish('e');
  assert.deepEqual(heard.splice(0), ['change "d"']);
  for (const unknown of ['', 'x', 'other-1', `${last}9`, last.replace(/\d+$/, '-1')]) listen(unknown).leave();
  assert.deepEqual(
    heard.splice(0),
    Array.from({ length: 5 }, () => 'snapshot 5'),
  );
  publish('x'.repeat(2 ** 21));
  listen(first).leave();
  assert.deepEqual(heard.splice(0), ['snapshot 6'], 'a snapshot replaces missed events that are no longer kept');
});

test('--server replaces REDIS_URL and the store’s credentials', { skip }, async () => {
  const port = await freePort();
  const environment = {
    REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`,
    ...trained.environment,
    CRYFOLD_GRACE_SECONDS: '0',
  };
  const tokens = `read:${READ},operate:${OPERATE}`;
  cluster.run(
    { ...environment, CRYFOLD_API_TOKENS: tokens },
    { coordinator: ['coordinator', '--api-port', String(port)], aggregator: ['aggregator'], worker: ['worker'] },
  );
  const url = `http://127.0.0.1:${port}`;
  const remote = { CRYFOLD_SERVER: url, CRYFOLD_API_TOKEN: OPERATE };
  await untilReady(url);
  await writeFile(path('tiny.yaml'), TINY_SPEC);
  await writeFile(path('long.yaml'), TINY_SPEC.replace('epochs: 2', 'epochs: 3000').replace('tiny', 'long'));
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 1 });
  const args = (spec: string, estimators: string, out: string) => [
    ...['run', path(spec), '--data', path('corpus'), '--estimators', estimators, '--out', path(out)],
  ];
  const ran = await cryfold(args('tiny.yaml', 'small-cnn,svm', 'out'), remote);
  assert.equal(ran.code, 0, ran.stderr);
  const again = await cryfold(args('tiny.yaml', 'small-cnn,svm', 'direct'), environment);
  assert.match(again.stderr, /already in the store/);
  for (const file of ['results.json', 'out-of-fold.csv', 'report.html']) {
    assert.deepEqual(await readFile(path(`out/${file}`)), await readFile(path(`direct/${file}`)), file);
  }
  const id = JSON.parse((await cryfold(['list', '--json'], environment)).stdout)[0].run;
  for (const command of [
    ['list'],
    ['status', id],
    ['status', id, '--json'],
    ['logs', id, 'svm/0/0'],
    ['report', id, '--format', 'md'],
  ]) {
    const [direct, over] = [await cryfold(command, environment), await cryfold(command, remote)];
    assert.equal(over.stdout, direct.stdout, command.join(' '));
    assert.ok(over.stdout.length > 20);
    assert.equal(over.code, direct.code);
  }

  const extended = await cryfold(['extend', id, '--repeats', '2', '--out', path('more')], remote);
  assert.equal(extended.code, 0, extended.stderr);
  const running = start(args('long.yaml', 'small-cnn', 'long'), remote);
  const work = async () =>
    JSON.parse((await cryfold(['status', '--json'], remote)).stdout).workers.find(
      ({ doing }: { doing: unknown[] }) => doing.length > 0,
    )?.doing[0];
  const { run: long, trial, repeat } = await until('a worker to report what it does', work);
  assert.deepEqual([trial, repeat], ['small-cnn', 0]);
  assert.match((await cryfold(['cancel', long], remote)).stdout, /is cancelled; \d of 3 folds/);
  assert.equal((await running.ended).code, 4);
  assert.equal((await cryfold(['status', long], remote)).code, 4);

  // Only the server knows where the store is; no setting on this machine contains its location.
  const unknown = [
    ['report', 'nothing-1'],
    ['export', 'mlflow', 'nothing-1', '--to', path('ml')],
  ];
  for (const command of unknown) {
    const { code, stderr } = await cryfold(command, remote);
    assert.equal(code, 2, command.join(' '));
    assert.match(stderr, /RUN_NOT_FOUND: the server http:\S+ has no run nothing-1\n.*cryfold list/);
    assert.doesNotMatch(stderr, /CRYFOLD_STORE/);
  }
  assert.match(
    (await cryfold(['report', long], remote)).stderr,
    /RUN_NOT_FOUND: run \S+ has not ended\n.*status.*\n.*retry/,
  );
  const denied = await cryfold(['retry', long], { ...remote, CRYFOLD_API_TOKEN: READ });
  assert.deepEqual([denied.code, /API_FORBIDDEN/.test(denied.stderr)], [2, true]);
  assert.match((await cryfold(['gc'], remote)).stderr, /through a server/);
  assert.match(
    (await cryfold(['list'], { ...remote, CRYFOLD_SERVER: 'http://127.0.0.1:9' })).stderr,
    /SERVER_UNREACHABLE/,
  );
});
