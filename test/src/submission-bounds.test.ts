import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiServer } from '@cryfold/api-server';
import { encodeNpy, LIMITS, sha256 } from '@cryfold/core';
import { createLogger } from '@cryfold/runtime';
import { type ArtifactStore, openStore, RunStore } from '@cryfold/store';
import { temporaryFolder } from './command.js';
import { RedisProcess } from './redis.js';
import { startApi } from './start-service.js';

let redis: RedisProcess;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: ArtifactStore;
let server: ApiServer;
const dataset = sha256('bounds');

before(async () => {
  redis = await RedisProcess.start();
  folder = await temporaryFolder();
  store = openStore(`file:${folder.path}`);
  const clips = Array.from({ length: 60 }, (_, i) => ({ id: `c${i}`, label: 'abc'[i % 3], group: `g${i}` }));
  const manifest = {
    format: 1 as const,
    name: 'd',
    contentHash: dataset,
    grouped: true,
    classes: ['a', 'b', 'c'],
    clips,
  };
  await new RunStore(store).datasets.saveManifest(manifest);
  server = await startApi({
    ...{ redisUrl: redis.url, storeUrl: `file:${folder.path}`, s3: undefined, checks: {} },
    ...{ log: createLogger('test', 'silent'), api: { port: 0, host: '127.0.0.1', tokens: [], rate: 10_000 } },
  });
});
after(async () => {
  await server?.close();
  await store?.close();
  await redis?.remove();
  await folder?.remove();
});

async function submit(spec: object): Promise<{ status: number; code: string; message: string; run: string }> {
  const response = await fetch(`${server.url}/api/v1/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ spec, dataset }),
  });
  const answer = (await response.json()) as { error?: { code: string; message: string }; run?: string };
  const { code = '', message = '' } = answer.error ?? {};
  return { status: response.status, code, message, run: answer.run ?? '' };
}

const written = (members: object) => ({ version: 1, name: 'x', estimators: { svm: { kind: 'svm' } }, ...members });
const many = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, value]));

test('the API refuses specs that would block its event loop, and stores nothing', async () => {
  const cases: [object, status: number, code: string][] = [
    [written({ protocol: { repeats: 200_000 } }), 422, 'SPEC_INVALID'],
    [
      written({ protocol: { splitter: 'StratifiedGroupKFold', folds: 10_000, repeats: 10_000 } }),
      422,
      'PLAN_TOO_LARGE',
    ],
    [written({ estimators: many(100, { kind: 'svm' }), protocol: { repeats: 1000 } }), 422, 'PLAN_TOO_LARGE'],
    [written(many(10_000, 1)), 422, 'SPEC_INVALID'],
    [written(many(30_000, 1)), 413, 'ARTIFACT_TOO_LARGE'],
    [written({ padding: 'x'.repeat(LIMITS.specBytes) }), 422, 'PLAN_TOO_LARGE'],
    [written({ estimators: many(3000, { kind: 'svm' }) }), 422, 'SPEC_INVALID'],
  ];
  for (const [spec, status, code] of cases) {
    const answer = await submit(spec);
    assert.deepEqual([answer.status, answer.code], [status, code], answer.message);
    assert.ok(answer.message.length < 500);
  }
  for await (const key of store.list('runs/')) assert.fail(key);
});

test('the API accepts the files of commands by hash, and refuses a spec whose files are not in the store', async () => {
  const program = new TextEncoder().encode('print(1)');
  const hash = sha256(program);
  const own = (files: unknown) =>
    submit(written({ estimators: { own: { kind: 'command', run: ['python3', 'train.py'], files } } }));
  assert.equal((await own(['train.py'])).code, 'SPEC_INVALID');
  assert.match((await own({ 'train.py': hash })).message, new RegExp(`^commands/${hash} is not in the store`));
  assert.equal((await own({ '../train.py': hash })).code, 'SPEC_INVALID');
  const upload = async (body: Uint8Array<ArrayBuffer>) => {
    const headers = { 'content-type': 'application/octet-stream' };
    return (await fetch(`${server.url}/api/v1/artifacts/commands/${hash}`, { method: 'PUT', headers, body })).status;
  };
  assert.equal(await upload(new TextEncoder().encode('print(2)')), 422);
  assert.equal(await upload(program), 201);
  // The error shows that only the features are still missing.
  assert.match((await own({ 'train.py': hash })).message, /^features\//);
});

test('responds to other requests while planning a large run', async () => {
  const spec = written({ estimators: many(20, { kind: 'svm' }), protocol: { repeats: 200 } });
  // The error about the missing images contains their key.
  const refused = await submit(spec);
  assert.equal(refused.code, 'ARTIFACT_MISSING');
  const images = /features\/\S+\.npy/.exec(refused.message)?.[0] ?? '';
  await store.put(images, encodeNpy(new Uint8Array(60), [60, 1, 1, 1]));
  let [planning, answered] = [true, 0];
  const submitted = submit(spec).finally(() => {
    planning = false;
  });
  while (planning) {
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
    answered++;
  }
  const { run, status, message } = await submitted;
  assert.equal(status, 200, message);
  assert.ok(answered >= 5, `${answered} requests were answered meanwhile`);
  const plan = await new RunStore(store).runs.planInfo(run);
  assert.ok(plan && plan.bytes < LIMITS.planBytes);
});
