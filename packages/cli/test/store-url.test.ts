import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { type Config, loadConfig } from '@cryfold/runtime';
import { runProtocols } from '../src/protocols.js';
import { storeUrlOf, withStore } from '../src/store-url.js';
import { trainFinalCommand } from '../src/train-final-command.js';

const REDIS_URL = 'redis://127.0.0.1:1';
const local = loadConfig({});
const cluster = loadConfig({ REDIS_URL });
const server = loadConfig({ CRYFOLD_SERVER: 'http://h:8080', CRYFOLD_STORE: 'file:/not-asked' });

test('the store is the one that the environment names, else a folder below --out', () => {
  assert.equal(storeUrlOf('out', local), `file:${resolve('out', 'store')}`);
  assert.equal(storeUrlOf('out', loadConfig({ CRYFOLD_STORE: 's3://b/p' })), 's3://b/p');
  assert.equal(storeUrlOf('out', server), 'http://h:8080');
});

test('runs side by side share a store, unless a server has it', () => {
  assert.deepEqual(withStore(local, 'file:/s').target, { kind: 'local', storeUrl: 'file:/s' });
  assert.deepEqual(withStore(cluster, 'file:/s').target, { kind: 'cluster', redisUrl: REDIS_URL, storeUrl: 'file:/s' });
  assert.equal(withStore(server, 'file:/s'), server);
});

test('what needs the workers of a cluster is refused where nobody names their store', async () => {
  const run = (protocol: string[], config: Config) => {
    const flags = { skipBad: false, groupDuplicates: false, allowLeak: false, json: true };
    return runProtocols({ data: 'data', out: 'out', protocol, ...flags }, config, {});
  };
  const refused = { code: 'USAGE', message: 'REDIS_URL is set, but CRYFOLD_STORE is not' };
  await assert.rejects(run([], cluster), refused);
  await assert.rejects(run(['paper', 'grouped'], cluster), refused);
  await assert.rejects(trainFinalCommand('small-1', { json: true }, cluster), refused);
});
