import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { ApiServer } from '@cryfold/api-server';
import { parseSpec } from '@cryfold/plan';
import { StoreControl } from '@cryfold/run-control';
import { createLogger } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { TINY_SPEC, temporaryFolder, until } from './command.js';
import { writeRandomRun } from './random-run.js';
import { RedisProcess } from './redis.js';
import { API, OPERATE, READ, startApi } from './start-service.js';
import { withoutRedis as skip } from './testbed.js';

const MIB = 2 ** 20;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let redis: RedisProcess;
let server: ApiServer;
let log = '';
const storeUrl = () => `file:${folder.path}/store`;

before(async () => {
  if (skip) return;
  folder = await temporaryFolder();
  redis = await RedisProcess.start();
  const write = (line: string) => {
    log += line;
  };
  server = await startApi({
    ...{ redisUrl: redis.url, storeUrl: storeUrl(), s3: undefined, checks: {} },
    api: API,
    log: createLogger('test', 'info', { destination: { write } }),
  });
});
after(async () => {
  await server?.close();
  await redis?.remove();
  await folder?.remove();
});

const ask = (path: string, token: string) =>
  fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${token}`, connection: 'close' } });

/** Sends a request without reading the response. */
function unread(path: string): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${READ}\r\n\r\n`);
  return socket.pause();
}

test('limits the unread large responses of each token, and still responds to other tokens', { skip }, async (t) => {
  const store = openStore(storeUrl());
  const { run, jobs } = await writeRandomRun(store, { clips: 60, repeats: 2 });
  const text = new TextEncoder().encode('x'.repeat(MIB));
  for (const { key } of jobs.slice(0, 16)) await new RunStore(store).folds.saveLog(key, 'failed', text);
  const logs = `/api/v1/runs/${run}/logs`;
  const sockets = Array.from({ length: 20 }, () => unread(logs));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const refused = await until('a refusal', async () => {
    const answer = await ask(logs, READ);
    await answer.clone().arrayBuffer();
    return answer.status === 429 ? answer : undefined;
  });
  assert.match(await refused.text(), /API_BUSY.*are waiting to be read/);
  // Small responses still work, and so do large ones for another token.
  assert.equal((await ask(`/api/v1/runs/${run}`, READ)).status, 200);
  assert.equal((await (await ask(logs, OPERATE)).text()).length > 16 * MIB, true);
  let taken = 0;
  for (const socket of sockets) {
    socket.on('data', (bytes: Buffer) => {
      taken += bytes.length;
    });
    socket.resume();
  }
  await until('the answers', () => taken > 32 * MIB);
  for (const socket of sockets) socket.destroy();
  await until('a place', async () => {
    const answer = await ask(logs, READ);
    return (await answer.text()).length > MIB;
  });
  assert.ok(taken < 64 * MIB, `${taken} bytes were buffered for one token`);
});

test('shows the logs of one fold up to a limit', { skip }, async () => {
  const store = openStore(storeUrl());
  const { run, jobs } = await writeRandomRun(store, { clips: 61, repeats: 1 });
  const text = new TextEncoder().encode('x'.repeat(2 * MIB));
  for (let i = 0; i < 20; i++) await new RunStore(store).folds.saveLog(jobs[0].key, `failed${i}`, text);
  const [{ failed }] = await new StoreControl(new RunStore(store)).logs(run, jobs[0].key);
  assert.equal(failed.length, 20);
  assert.equal(failed.filter(({ log }) => log.startsWith('[omitted')).length, 12);
});

test('writes no log lines for requests without a token', { skip }, async () => {
  log = '';
  const session = `${server.url}/api/v1/session`;
  for (const [path, method] of [
    ['/api/v1/session', 'DELETE'],
    ['/api/v1/runs', 'POST'],
    ['/nothing', 'POST'],
    ['/queues/api/queues/cpu/pause', 'PUT'],
  ]) {
    await fetch(`${server.url}${path}`, { method });
  }
  const headers = { 'content-type': 'application/json' };
  await fetch(session, { method: 'POST', headers, body: JSON.stringify({ token: OPERATE }) });
  await until('the login', () => log.includes('"method":"POST"'));
  assert.equal(log.trim().split('\n').length, 1, log);
});

test('responds to invalid queue board requests with an error code and an HTTP status', { skip }, async () => {
  const put = (headers: Record<string, string>, body?: string) =>
    fetch(`${server.url}/queues/api/queues/cpu/pause`, {
      ...{ method: 'PUT', body },
      headers: { authorization: `Bearer ${OPERATE}`, ...headers },
    });
  const nested = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
  for (const [status, code, answer] of [
    [403, 'API_FORBIDDEN', await put({ origin: 'http://elsewhere.example' })],
    [400, 'API_INVALID', await put({ 'content-type': 'application/json' }, nested)],
  ] as const) {
    assert.equal(answer.status, status);
    assert.equal(((await answer.json()) as { error: { code: string } }).error.code, code);
  }
});

test('plans one run at a time, and refuses submissions while 16 are waiting', { skip }, async () => {
  const store = openStore(storeUrl());
  const { dataset, features } = await writeRandomRun(store, { clips: 60, repeats: 1 });
  assert.ok(await new RunStore(store).datasets.hasFeatures(features.key));
  const control = new StoreControl(new RunStore(store));
  const submissions = await Promise.allSettled(
    Array.from({ length: 20 }, (_, seed) => control.submit({ ...parseSpec(TINY_SPEC, 'x'), seed }, dataset.key)),
  );
  assert.equal(submissions.filter(({ status }) => status === 'fulfilled').length, 16);
  const reasons = submissions.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  assert.deepEqual(reasons, Array(4).fill('API_BUSY'));
  assert.equal((await control.submit({ ...parseSpec(TINY_SPEC, 'x'), seed: 20 }, dataset.key)).state, 'stopped');
});
