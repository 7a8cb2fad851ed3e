import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { type ApiConfig, createLogger } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { ApiServer } from '../src/server.js';

const coded = (code: string) => (error: unknown) => error instanceof CryfoldError && error.code === code;

/** A server that has not been started. Its Redis is unreachable. */
async function prepared(t: TestContext, api: Partial<ApiConfig>) {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-server-'));
  t.after(() => rm(folder, { recursive: true }));
  const storeUrl = `file:${folder}`;
  const store = new RunStore(openStore(storeUrl));
  const server = new ApiServer({
    ...{ redisUrl: 'redis://127.0.0.1:1', store, storeUrl, s3: undefined, childMemoryMb: 2048, checks: {} },
    api: { host: '127.0.0.1', port: 0, tokens: [], rate: 10_000, ...api },
    log: createLogger('test', 'silent'),
  });
  return { server, store };
}

test('connects and listens only after start, and leaves the store open on close', async (t) => {
  const { server, store } = await prepared(t, {});
  assert.equal(server.url, '');
  await server.start();
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  await server.close();
  await assert.rejects(fetch(`${server.url}/healthz`));
  await store.ping();
});

test('closes everything it opened if starting fails', async (t) => {
  const taken = createServer(() => {}).listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  // A connection that stayed open would keep this process from exiting.
  await assert.rejects((await prepared(t, { port })).server.start(), coded('API_PORT_TAKEN'));
  await assert.rejects((await prepared(t, { host: '0.0.0.0' })).server.start(), coded('API_EXPOSED'));
});
