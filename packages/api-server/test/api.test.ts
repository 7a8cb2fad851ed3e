import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { sha256 } from '@cryfold/core';
import { StoreControl, StoreModels } from '@cryfold/run-control';
import { type Checks, createLogger } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { createApi } from '../src/api.js';
import { ReportWriter } from '../src/report-writer.js';
import { saveSmallRun } from './small-run.js';

const READ = 'read-read-read-read';
const OPERATE = 'operate-operate-operate';
const as = (token: string) => ({ authorization: `Bearer ${token}` });

let folder: string;
let store: RunStore;
let run: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-api-'));
  store = new RunStore(openStore(`file:${folder}`));
  ({ run } = await saveSmallRun(store));
});
after(() => rm(folder, { recursive: true }));

/** The API of a store, without queues. It does not listen on a port. */
async function api(t: TestContext, checks: Checks = {}) {
  const control = new StoreControl(store);
  const models = new StoreModels(store, { train: async () => assert.fail('nothing is trained here') });
  const app = await createApi({
    ...{
      control,
      models,
      checks,
      reports: new ReportWriter({ storeUrl: `file:${folder}`, s3: undefined, childMemoryMb: 2048 }),
    },
    api: {
      ...{ host: '127.0.0.1', rate: 10_000 },
      tokens: [
        { role: 'read', token: READ },
        { role: 'operate', token: OPERATE },
      ],
    },
    log: createLogger('test', 'silent'),
  });
  t.after(() => app.close());
  return app;
}

test('serves runs to a read token, and rejects unknown runs and folds', async (t) => {
  const app = await api(t);
  const get = (url: string) => app.inject({ url: `/api/v1${url}`, headers: as(READ) });
  assert.deepEqual(
    (await get('/runs'))
      .json()
      .map((one: { run: string; state: string; total: number }) => [one.run, one.state, one.total]),
    [[run, 'stopped', 3]],
  );
  assert.equal((await get(`/runs/${run}`)).json().name, 'small');
  const fold = (await get(`/runs/${run}/folds/svm/0/1`)).json();
  assert.deepEqual([fold.trial, fold.fold, fold.committed, fold.training], ['svm', 1, null, null]);
  for (const url of ['/runs/none', `/runs/${run}/folds/svm/0/7`, `/runs/${run}/report.html`]) {
    const answer = await get(url);
    assert.deepEqual([answer.statusCode, answer.json().error.code], [404, 'RUN_NOT_FOUND'], url);
  }
});

test('requires a token on all routes except health, login and the API description', async (t) => {
  const app = await api(t);
  const { paths } = (await app.inject('/api/v1/openapi.json')).json() as { paths: Record<string, object> };
  const open = new Set(['/api/v1/session']);
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods) as ('get' | 'post')[]) {
      const { statusCode } = await app.inject({ method, url: path.replace(/\{[^}]*\}/g, 'x') });
      // The last few of these requests without a token exceed the limit.
      assert.equal(statusCode === 401 || statusCode === 429, !open.has(path), `${method} ${path}: ${statusCode}`);
    }
  }
  assert.equal((await app.inject('/healthz')).statusCode, 200);
});

test('refuses all changes with a read token', async (t) => {
  const app = await api(t);
  for (const [method, url, payload] of [
    ['POST', `/api/v1/runs/${run}/cancel`, {}],
    ['POST', `/api/v1/runs/${run}/extend`, { repeats: 2 }],
    ['POST', '/api/v1/runs', { spec: {}, dataset: sha256('small') }],
    ['POST', '/api/v1/models/m/rollback', { reason: '' }],
    ['PUT', `/api/v1/artifacts/weights/${sha256('x')}.h5`, undefined],
  ] as const) {
    const answer = await app.inject({ method, url, headers: as(READ), ...(payload ? { payload } : {}) });
    assert.deepEqual([answer.statusCode, answer.json().error.code], [403, 'API_FORBIDDEN'], url);
  }
  assert.equal(await store.runs.isCancelled(run), false);
});

test('cancels and reopens a run for an operate token', async (t) => {
  const app = await api(t);
  const ask = async (what: string) => {
    const answer = await app.inject({ method: 'POST', url: `/api/v1/runs/${run}/${what}`, headers: as(OPERATE) });
    return answer.json().state;
  };
  assert.equal(await ask('cancel'), 'cancelled');
  assert.equal(await store.runs.isCancelled(run), true);
  assert.equal(await ask('retry'), 'stopped');
  assert.equal(await store.runs.isCancelled(run), false);
});

test('responds to invalid requests with an error code and an HTTP status', async (t) => {
  const app = await api(t);
  const cases: [number, string, { method?: 'POST' | 'DELETE'; url: string; payload?: object }][] = [
    [404, 'API_NOT_FOUND', { url: '/api/v1/nothing' }],
    [405, 'API_METHOD_NOT_ALLOWED', { method: 'DELETE', url: '/api/v1/runs' }],
    [400, 'API_INVALID', { url: '/api/v1/runs?limit=0' }],
    [400, 'API_INVALID', { method: 'POST', url: `/api/v1/runs/${run}/extend`, payload: { repeats: 'many' } }],
    [404, 'ARTIFACT_MISSING', { url: '/api/v1/artifacts/folds/x' }],
  ];
  for (const [status, code, request] of cases) {
    const answer = await app.inject({ ...request, headers: as(OPERATE) });
    assert.deepEqual([answer.statusCode, answer.json().error.code], [status, code], JSON.stringify(request));
  }
});

test('serves logs and other text as plain text that browsers display, and never as markup', async (t) => {
  const app = await api(t);
  const key = 'folds/0123/0-a/log.txt';
  await store.artifacts.put(key, new TextEncoder().encode('<script>über</script>\n'));
  for (const method of ['GET', 'HEAD'] as const) {
    const { headers } = await app.inject({ method, url: `/api/v1/artifacts/${key}`, headers: as(READ) });
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(headers['content-disposition'], 'inline; filename="log.txt"');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  }
});

test('serves artifacts as downloads', async (t) => {
  const app = await api(t);
  const { headers, statusCode, json } = await app.inject({
    url: `/api/v1/artifacts/runs/${run}/plan.json`,
    headers: as(READ),
  });
  assert.equal(statusCode, 200);
  assert.equal(json().run, run);
  assert.equal(headers['content-disposition'], 'attachment; filename="plan.json"');
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  const listed = await app.inject({ url: '/api/v1/artifacts?prefix=runs/', headers: as(READ) });
  assert.deepEqual(listed.json(), { keys: [`runs/${run}/plan.json`], next: null });
});

test('reports readiness while all checks pass, and lists failed checks even to clients without a token', async (t) => {
  const ready = await (await api(t, { store: () => store.ping() })).inject('/readyz');
  assert.deepEqual([ready.statusCode, ready.json()], [200, {}]);
  const redis = async () => {
    throw new Error('connection refused');
  };
  const failing = await (await api(t, { redis })).inject('/readyz');
  assert.deepEqual([failing.statusCode, failing.json()], [503, { redis: 'connection refused' }]);
});

test('serves the live page without a token, compressed if the browser supports it', async (t) => {
  const app = await api(t);
  const plain = await app.inject('/');
  assert.equal(plain.statusCode, 200);
  assert.match(String(plain.headers['content-type']), /^text\/html/);
  const packed = await app.inject({ url: '/', headers: { 'accept-encoding': 'br' } });
  assert.equal(packed.headers['content-encoding'], 'br');
  assert.ok(packed.rawPayload.length < plain.rawPayload.length);
  const again = await app.inject({ url: '/', headers: { 'if-none-match': String(plain.headers.etag) } });
  assert.equal(again.statusCode, 304);
});
