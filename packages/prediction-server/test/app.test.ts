import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { RATE, tone, writeModel } from '@cryfold/model-registry/testing';
import { createLogger, loadMetrics } from '@cryfold/runtime';
import type { FastifyInstance } from 'fastify';
import { createApp } from '../src/app.js';
import { ModelHost } from '../src/model-host.js';
import { Spool } from '../src/spool.js';

const LABELS = ['low', 'high'];
const MAX_UPLOAD = 2 ** 20;
const log = createLogger('test', 'silent');

let folder: string;
let spool: Spool;
let host: ModelHost;
let app: FastifyInstance;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-app-'));
  await writeModel(folder, LABELS);
  const { metrics, textFormat } = await loadMetrics('serve');
  spool = await Spool.open(2, MAX_UPLOAD);
  host = await ModelHost.start({
    ...{ model: { folder }, store: undefined, storeUrl: '', spool, log, metrics },
    ...{ pollSeconds: 60, timeoutSeconds: 60, waitSeconds: 60, allowCommands: false },
  });
  app = await createApp({
    ...{
      host,
      spool,
      metrics,
      textFormat,
      log,
      version: '0',
      access: { tokens: [] },
      maxUpload: MAX_UPLOAD,
      requestSeconds: 60,
    },
  });
});
after(async () => {
  await app?.close();
  await host?.stop();
  await spool?.close();
  await rm(folder, { recursive: true });
});

const predict = (body: Uint8Array, type = 'audio/wav', query = '') =>
  app.inject({
    ...{ method: 'POST', url: `/api/v1/predict${query}`, headers: { 'content-type': type } },
    payload: Buffer.from(body),
  });

test('the prediction server classifies a recording window by window', async () => {
  for (const [kind, label] of LABELS.entries()) {
    const response = await predict(encodeWav(tone(2, kind), RATE));
    assert.equal(response.statusCode, 200, response.body);
    const { model, predictions } = response.json();
    assert.deepEqual([model.name, model.version], ['tones', 'aaaaaaaaaaa1']);
    const [{ windows }] = predictions;
    assert.deepEqual(
      windows.map((window: { label: string }) => window.label),
      [label, label],
    );
  }
});

test('rejects invalid requests with an HTTP status and an error code', async () => {
  const wav = encodeWav(tone(1), RATE);
  const answers = await Promise.all([
    predict(new Uint8Array(100)),
    predict(new Uint8Array()),
    predict(wav, 'text/plain'),
    predict(wav, 'audio/wav', '?hopp=1'),
    app.inject({ url: '/nowhere' }),
  ]);
  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [422, 400, 415, 400, 404],
  );
  for (const answer of answers) {
    const { error } = answer.json();
    assert.match(error.code, /^[A-Z_]+$/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  }
  assert.equal(spool.taken, 0, 'all places are free');
});

test('serves the page, the API description and the current model', async () => {
  const page = await app.inject({ url: '/' });
  assert.match(String(page.headers['content-type']), /^text\/html/);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
  const paths = Object.keys((await app.inject({ url: '/openapi.json' })).json().paths);
  for (const path of ['/api/v1/model', '/api/v1/predict', '/healthz', '/readyz']) assert.ok(paths.includes(path), path);
  const model = (await app.inject({ url: '/api/v1/model' })).json();
  assert.deepEqual([model.name, model.data.classes.length], ['tones', LABELS.length]);
});

test('counts requests, and is not ready after its model has stopped', async () => {
  assert.equal((await app.inject({ url: '/readyz' })).statusCode, 200);
  const { body } = await app.inject({ url: '/metrics' });
  assert.match(body, /^cryfold_serve_requests_total\{route="\/readyz",status="200"\} 1$/m);
  await host.stop();
  const { statusCode, body: readiness } = await app.inject({ url: '/readyz' });
  assert.deepEqual([statusCode, JSON.parse(readiness).ready], [503, false]);
  assert.equal((await app.inject({ url: '/healthz' })).statusCode, 200);
  assert.equal((await predict(encodeWav(tone(1), RATE))).statusCode, 503);
});
