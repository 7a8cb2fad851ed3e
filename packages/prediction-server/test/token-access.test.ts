import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { RATE, tone, writeModel } from '@cryfold/model-registry/testing';
import { type ApiToken, createLogger, loadMetrics } from '@cryfold/runtime';
import { createApp } from '../src/app.js';
import { ModelHost } from '../src/model-host.js';
import { Spool } from '../src/spool.js';

const TOKEN = 'predict-predict-predict';
const MAX_UPLOAD = 2 ** 20;
const log = createLogger('test', 'silent');
const { metrics, textFormat } = await loadMetrics('serve');

let folder: string;
let spool: Spool;
let host: ModelHost;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-tokens-'));
  await writeModel(folder, ['low', 'high']);
  spool = await Spool.open(2, MAX_UPLOAD);
  host = await ModelHost.start({
    ...{ model: { folder }, store: undefined, storeUrl: '', spool, log, metrics },
    ...{ pollSeconds: 60, timeoutSeconds: 60, waitSeconds: 60, allowCommands: false },
  });
});
after(async () => {
  await host?.stop();
  await spool?.close();
  await rm(folder, { recursive: true });
});

async function service(t: TestContext, tokens: ApiToken[] = [{ role: 'read', token: TOKEN }]) {
  const app = await createApp({
    ...{ host, spool, metrics, textFormat, log, version: '0', access: { tokens } },
    ...{ maxUpload: MAX_UPLOAD, requestSeconds: 60 },
  });
  t.after(() => app.close());
  return app;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const wav = Buffer.from(encodeWav(tone(1), RATE));

test('requires a token, except for the page, health and the login', async (t) => {
  const app = await service(t);
  const status = async (url: string, headers = {}) => (await app.inject({ url, headers })).statusCode;
  for (const url of ['/', '/page.js', '/page.css', '/healthz', '/readyz']) assert.equal(await status(url), 200, url);
  for (const url of ['/api/v1/model', '/metrics', '/openapi.json']) {
    assert.equal(await status(url), 401, url);
    assert.equal(await status(url, bearer('another-token-here')), 401, url);
    assert.equal(await status(url, bearer(TOKEN)), 200, url);
  }
  assert.equal(await status('/nowhere'), 404);
  const predict = (headers: Record<string, string>) =>
    app.inject({
      ...{ method: 'POST', url: '/api/v1/predict', headers: { 'content-type': 'audio/wav', ...headers } },
      payload: wav,
    });
  const refused = await predict({});
  assert.deepEqual([refused.statusCode, refused.json().error.code], [401, 'API_UNAUTHORIZED']);
  assert.equal(refused.headers['x-content-type-options'], 'nosniff');
  assert.equal((await predict(bearer(TOKEN))).statusCode, 200);
  const { security } = (await app.inject({ url: '/openapi.json', headers: bearer(TOKEN) })).json();
  assert.deepEqual(security, [{ token: [] }]);
});

test('rejects a recording without a token before its body has arrived', async (t) => {
  const app = await service(t);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const headers = { 'content-type': 'audio/wav', 'content-length': MAX_UPLOAD };
  const sent = ask({ host: '127.0.0.1', port, path: '/api/v1/predict', method: 'POST', headers });
  const closed = new Promise((resolve) => sent.once('close', resolve));
  sent.on('error', () => {});
  sent.write(Buffer.alloc(1000));
  const answer = await new Promise<{ statusCode?: number; resume(): void }>((resolve) =>
    sent.once('response', resolve),
  );
  assert.equal(answer.statusCode, 401);
  assert.equal(spool.taken, 0);
  answer.resume();
  // The rest of the body never arrives, and the server does not keep the connection open to wait for it.
  await closed;
});

test('logs a browser in with a cookie that no other site can use', async (t) => {
  const app = await service(t);
  const login = (token: string, headers = {}) =>
    app.inject({ method: 'POST', url: '/api/v1/session', headers, payload: { token } });
  assert.equal((await login('another-token-here')).statusCode, 401);
  assert.equal((await login(TOKEN, { origin: 'http://evil.example' })).statusCode, 403);
  assert.equal((await login('x'.repeat(5000))).statusCode, 400);
  const opened = await login(TOKEN);
  assert.equal(opened.statusCode, 204);
  const cookie = String(opened.headers['set-cookie']);
  assert.match(cookie, /^cryfold_\w+=\S+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  assert.doesNotMatch(cookie, new RegExp(TOKEN));
  const headers = { cookie: cookie.split(';')[0] };
  const model = (more = {}) => app.inject({ url: '/api/v1/model', headers: { ...headers, ...more } });
  assert.equal((await model()).statusCode, 200);
  const elsewhere = await app.inject({
    ...{ method: 'POST', url: '/api/v1/predict', payload: wav },
    headers: { ...headers, origin: 'http://evil.example', 'content-type': 'audio/wav' },
  });
  assert.equal(elsewhere.statusCode, 403);
  const out = await app.inject({ method: 'DELETE', url: '/api/v1/session' });
  assert.match(String(out.headers['set-cookie']), /Max-Age=0/);
});

test('slows down clients that guess tokens, and responds to valid ones immediately', async (t) => {
  const app = await service(t);
  const ask = (token: string) => app.inject({ url: '/api/v1/model', headers: bearer(token) });
  for (let i = 0; i < 30; i++) assert.equal((await ask(`wrong-token-wrong-${i}`)).statusCode, 401);
  const next = await ask('wrong-token-wrong-30');
  assert.equal(next.statusCode, 429);
  assert.ok(Number(next.headers['retry-after']) > 0);
  assert.equal((await ask(TOKEN)).statusCode, 200);
});

test('has no login and requires no token if no tokens are configured', async (t) => {
  const app = await service(t, []);
  assert.equal((await app.inject({ url: '/api/v1/model' })).statusCode, 200);
  assert.equal((await app.inject({ method: 'DELETE', url: '/api/v1/session' })).statusCode, 404);
});
