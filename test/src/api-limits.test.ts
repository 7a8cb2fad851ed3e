import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Feed } from '@cryfold/api-server';
import { StoreControl } from '@cryfold/run-control';
import { createLogger } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { temporaryFolder } from './command.js';
import { writeRandomRun } from './random-run.js';
import { RedisProcess } from './redis.js';
import { API, OPERATE, READ, startApi } from './start-service.js';
import { withoutRedis as skip } from './testbed.js';

const WRONG = 'wrong-wrong-wrong-wrong';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let redis: RedisProcess;
const path = (name: string) => join(folder.path, name);

/** Starts a server with two tokens, or with none. */
const serve = (tokens = true) =>
  startApi({
    redisUrl: redis.url,
    storeUrl: `file:${path('store')}`,
    s3: undefined,
    api: tokens ? API : { ...API, tokens: [] },
    checks: {},
    log: createLogger('test', 'silent'),
  });

before(async () => {
  if (skip) return;
  folder = await temporaryFolder();
  redis = await RedisProcess.start();
});
after(async () => {
  await redis?.remove();
  await folder?.remove();
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const login = (url: string, token: string) =>
  fetch(`${url}/api/v1/session`, {
    method: 'POST',
    body: JSON.stringify({ token }),
    headers: { 'content-type': 'application/json' },
  });

test('after 30 wrong tokens in a minute, refuses further ones but accepts valid tokens from the same address', {
  skip,
}, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const { url } = server;
  const cookie = (await login(url, OPERATE)).headers.get('set-cookie')?.split(';')[0] ?? '';
  const forged = { cookie: cookie.replace(/.{4}$/, 'aaaa') };
  const tries = [
    () => fetch(`${url}/api/v1/runs`, { headers: bearer(WRONG) }),
    () => fetch(`${url}/api/v1/events`, { headers: forged }),
    () => fetch(`${url}/api/v1/session`, { headers: bearer(WRONG) }),
    () => login(url, WRONG),
    () => fetch(`${url}/queues/api/queues`, { headers: bearer(WRONG) }),
    () => fetch(`${url}/queues/`, { headers: { ...forged, accept: 'text/html' }, redirect: 'manual' }),
  ];
  const flood = Promise.all(Array.from({ length: 240 }, async (_, i) => (await tries[i % tries.length]()).status));
  const right = await Promise.all([
    ...Array.from({ length: 50 }, () => fetch(`${url}/api/v1/runs`, { headers: bearer(READ) })),
    fetch(`${url}/api/v1/runs`, { headers: { cookie } }),
    fetch(`${url}/queues/api/queues`, { headers: { cookie } }),
    login(url, READ),
    fetch(`${url}/`),
  ]);
  assert.deepEqual(new Set(right.map(({ status }) => status)), new Set([200]));
  const statuses = await flood;
  const answered = statuses.filter((status) => status !== 429).length;
  assert.ok(answered <= 30, `${answered} of ${statuses.length} wrong tokens were answered`);
  for (const attempt of tries) {
    const late = await attempt();
    assert.equal(late.status, 429);
    assert.ok(Number(late.headers.get('retry-after')) > 0);
    const { error } = (await late.json()) as { error: { code: string } };
    assert.equal(error.code, 'API_BUSY');
  }
  assert.equal((await login(url, OPERATE)).status, 200);
});

test('makes a browser delete the cookie of an unknown session', { skip }, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const cookie = (await login(server.url, READ)).headers.get('set-cookie')?.split(';')[0] ?? '';
  const answer = await fetch(`${server.url}/api/v1/runs`, { headers: { cookie: cookie.replace(/.$/, 'x') } });
  assert.equal(answer.status, 401);
  const forged = await fetch(`${server.url}/api/v1/runs`, { headers: { cookie: cookie.replace(/.{8}$/, '00000000') } });
  assert.match(forged.headers.get('set-cookie') ?? '', /^cryfold_[0-9a-f]{8}=; Path=\/; Max-Age=0/);
});

test('limits how many sessions of other servers a browser keeps', { skip }, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const cookies = Array.from({ length: 20 }, (_, i) => `cryfold_${String(i).padStart(8, '0')}=${1000 + i}.x`);
  const answer = await fetch(`${server.url}/api/v1/session`, {
    method: 'POST',
    body: JSON.stringify({ token: READ }),
    headers: { 'content-type': 'application/json', cookie: `theme=dark; ${cookies.join('; ')}` },
  });
  const set = answer.headers.getSetCookie();
  assert.equal(set.filter((cookie) => cookie.includes('Max-Age=43200')).length, 1);
  const forgotten = set.filter((cookie) => cookie.includes('Max-Age=0')).map((cookie) => cookie.slice(8, 16));
  assert.deepEqual(
    forgotten.sort(),
    Array.from({ length: 12 }, (_, i) => String(i).padStart(8, '0')),
  );
});

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Sends a request unchanged, since fetch() would normalize it. */
async function send(url: string, { method = 'GET', path = '/', headers = {}, body }: Sent) {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, method, path, agent: false, headers: { ...bearer(OPERATE), ...headers } });
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, headers: response.headers, text };
}

const json = { 'content-type': 'application/json' };
const nested = (depth: number) =>
  `{"dataset":"${'a'.repeat(64)}","spec":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;

test('responds to invalid requests with an error code and an HTTP status', { skip }, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const run = { method: 'POST', path: '/api/v1/runs', headers: json };
  const cases: [number, string, Sent][] = [
    [404, 'API_NOT_FOUND', { path: '/nothing' }],
    [404, 'API_NOT_FOUND', { path: '/api/v1/nothing' }],
    [404, 'API_NOT_FOUND', { path: '/api/v2/runs' }],
    [400, 'API_INVALID', { path: '/api/v1/runs/' }],
    [404, 'API_NOT_FOUND', { path: '//api/v1/runs' }],
    [404, 'API_NOT_FOUND', { path: '/api/v1/../v1/runs' }],
    [404, 'API_NOT_FOUND', { method: 'POST', path: '/nothing', headers: json, body: '{' }],
    [405, 'API_METHOD_NOT_ALLOWED', { method: 'DELETE', path: '/api/v1/runs' }],
    [405, 'API_METHOD_NOT_ALLOWED', { method: 'OPTIONS', path: '/api/v1/runs' }],
    [405, 'API_METHOD_NOT_ALLOWED', { method: 'PATCH', path: '/api/v1/session', headers: json, body: '{' }],
    [405, 'API_METHOD_NOT_ALLOWED', { method: 'POST', path: '/', headers: json, body: '{}' }],
    [405, 'API_METHOD_NOT_ALLOWED', { method: 'DELETE', path: '/api/v1/artifacts/folds/x' }],
    [400, 'API_INVALID', { path: '/%zz' }],
    [400, 'API_INVALID', { path: '/api/v1/runs/%ff' }],
    [400, 'API_INVALID', { path: `/api/v1/runs/${'a'.repeat(600)}` }],
    [400, 'API_INVALID', { path: `/api/v1/runs/${'a'.repeat(300)}` }],
    [400, 'API_INVALID', { path: '/api/v1/runs/a%00b' }],
    [404, 'RUN_NOT_FOUND', { path: `/api/v1/runs/${'a'.repeat(150)}` }],
    [400, 'API_INVALID', { path: '/api/v1/runs?limit=1e9' }],
    [400, 'API_INVALID', { path: '/api/v1/runs?offset=-1' }],
    [400, 'API_INVALID', { path: '/api/v1/runs?limit=1&limit=2' }],
    [422, 'STORE_KEY_INVALID', { path: `/api/v1/artifacts?prefix=${'a/'.repeat(2000)}` }],
    [431, 'API_INVALID', { headers: { 'x-long': 'a'.repeat(20_000) } }],
    [431, 'API_INVALID', { path: `/${'a'.repeat(20_000)}` }],
    [400, 'API_INVALID', { ...run, body: nested(100) }],
    [400, 'API_INVALID', { ...run, body: nested(20_000) }],
    [400, 'API_INVALID', { ...run, body: '['.repeat(100_000) }],
    [400, 'API_INVALID', { ...run, body: `${'['.repeat(60_000)}${']'.repeat(60_000)}` }],
    [400, 'API_INVALID', { ...run, body: '{"__proto__":{}}' }],
    [400, 'API_INVALID', { ...run, body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }],
    [413, 'ARTIFACT_TOO_LARGE', { ...run, body: `{"spec":"${'a'.repeat(2 ** 20)}"}` }],
    [413, 'ARTIFACT_TOO_LARGE', { method: 'POST', path: '/api/v1/session', headers: json, body: 'a'.repeat(5000) }],
    [400, 'API_INVALID', { ...run, headers: { 'content-type': 'text/plain' }, body: '{}' }],
    [400, 'API_INVALID', { ...run, headers: { 'content-type': 'x' }, body: '{}' }],
    [400, 'API_INVALID', { ...run, headers: { ...json, 'content-encoding': 'gzip' }, body: 'x' }],
    [400, 'API_INVALID', { path: '/queues/read/api/queues?activeQueue=cpu&jobsPerPage=1000000' }],
    [400, 'API_INVALID', { path: '/queues/api/queues?activeQueue=cpu&jobsPerPage=51&jobsPerPage=1' }],
  ];
  for (const [status, code, sent] of cases) {
    const answer = await send(server.url, sent);
    const shown = `${sent.method ?? 'GET'} ${sent.path?.slice(0, 60)} ${String(sent.body).slice(0, 60)}: ${answer.text.slice(0, 300)}`;
    assert.equal(answer.status, status, shown);
    assert.equal(JSON.parse(answer.text).error?.code, code, shown);
    assert.ok(answer.text.length < 1000, shown);
  }
  const { headers } = await send(server.url, { method: 'DELETE', path: '/api/v1/session/' });
  assert.equal(headers.allow, undefined);
  assert.equal((await send(server.url, { method: 'PUT', path: '/api/v1/session' })).headers.allow, 'GET, POST, DELETE');
});

test('responds to invalid HTTP with an error code, and closes the connection', { skip }, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  for (const text of [
    '\x16\x03\x01\x02\x00\x01\x00',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'CRYFOLD / HTTP/1.1\r\n\r\n',
  ]) {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname).setEncoding('latin1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write(text);
    await once(socket, 'close');
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*"code":"API_INVALID"/, text);
  }
});

test('does not let a read token change jobs on the queue board', { skip }, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  for (const prefix of ['/queues', '/queues/read']) {
    for (const action of [
      'cpu/pause',
      'cpu/empty',
      'cpu/obliterate',
      'cpu/add',
      'pause',
      'cpu/1/clean',
      'cpu/clean/completed',
    ]) {
      for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
        const path = `${prefix}/api/queues/${action}`;
        const { status, text } = await send(server.url, {
          method,
          path,
          headers: { ...bearer(READ), ...json },
          body: '{}',
        });
        assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status} ${text}`);
      }
    }
  }
  const { text } = await send(server.url, { path: '/queues/api/queues' });
  assert.deepEqual(
    new Set(JSON.parse(text).queues.map(({ isPaused }: { isPaused: boolean }) => isPaused)),
    new Set([false]),
  );
});

test('keeps 200 viewers connected while their address opens 1,000 connections without a token', {
  skip,
}, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const leave = new AbortController();
  t.after(() => leave.abort());
  let lost = 0;
  const viewers = Array.from({ length: 200 }, async () => {
    const { body, status } = await fetch(`${server.url}/api/v1/events`, {
      headers: bearer(READ),
      signal: leave.signal,
    });
    assert.equal(status, 200);
    const reader = body?.getReader();
    await reader?.read();
    reader?.closed.then(
      () => lost++,
      () => lost++,
    );
  });
  await Promise.all(viewers);
  const { hostname, port } = new URL(server.url);
  const sockets = Array.from({ length: 1000 }, () => connect(Number(port), hostname).on('error', () => {}));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  assert.equal((await fetch(`${server.url}/api/v1/runs`, { headers: bearer(READ) })).status, 200);
  assert.equal(lost, 0);
});

test('shows the end of long logs, and at most 16 MiB per run', { skip }, async () => {
  const store = openStore(`file:${path('logs')}`);
  const { run, jobs } = await writeRandomRun(store, { clips: 60, repeats: 2 });
  const text = new TextEncoder().encode(`begin ${'x'.repeat(2 ** 21)} end`);
  const folds = jobs.slice(0, 18);
  for (const { key } of folds) await store.put(`folds/${key}/failed/log.txt`, text);
  const control = new StoreControl(new RunStore(store), undefined);
  const logs = (await control.logs(run)).flatMap(({ failed }) => failed.map(({ log }) => log));
  assert.equal(logs.length, folds.length);
  assert.equal(logs.filter((log) => log.startsWith('[omitted')).length, 3);
  assert.ok(logs.filter((log) => log.endsWith(' end') && !log.includes('begin')).length === 15);
  const [{ failed }] = await control.logs(run, folds[17].key);
  assert.ok(failed[0].log.endsWith(' end'));
});

test('queues nothing for slow listeners, and later sends them the events that they missed', () => {
  let state = 0;
  const feed = new Feed(() => state);
  const heard: string[] = [];
  const { resume } = feed.listen(undefined, ({ event, data }) => {
    heard.push(`${event} ${data}`);
    return false;
  });
  for (state = 1; state <= 3; state++) feed.publish(state);
  assert.deepEqual(heard.splice(0), ['snapshot 0']);
  resume();
  resume();
  assert.deepEqual(heard.splice(0), ['change 1', 'change 2']);
  for (let i = 0; i < 5; i++) feed.publish('x'.repeat(2 ** 20));
  resume();
  assert.deepEqual(heard, ['snapshot 4'], 'a snapshot replaces missed events that are no longer kept');
});
