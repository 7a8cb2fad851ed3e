import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { type Config, loadConfig } from '@cryfold/runtime';
import { runProtocols } from '../src/protocols.js';
import { otherStore, storeUrlOf } from '../src/store-url.js';
import { trainFinalCommand } from '../src/train-final-command.js';

const REDIS_URL = 'redis://127.0.0.1:1';
const local = loadConfig({});
const cluster = loadConfig({ REDIS_URL });
const server = loadConfig({ CRYFOLD_SERVER: 'http://h:8080', CRYFOLD_STORE: 'file:/not-asked' });

test('uses the store that the environment specifies, or the folder cryfold by default', () => {
  assert.equal(storeUrlOf(local), `file:${resolve('cryfold')}`);
  assert.equal(storeUrlOf(loadConfig({ CRYFOLD_STORE: 's3://b/p' })), 's3://b/p');
  assert.equal(storeUrlOf(server), 'http://h:8080');
});

test('includes the store in a hint only if the command would use another store by default', () => {
  assert.equal(otherStore(storeUrlOf(local), local), undefined);
  assert.equal(otherStore(`file:${resolve('old', 'store')}`, local), 'old/store');
  assert.equal(otherStore('file:/elsewhere', local), '/elsewhere');
  assert.equal(otherStore('s3://b/p', local), 's3://b/p');
});

test('refuses commands for a cluster whose store is not set', async () => {
  const run = (protocol: string[], config: Config) => {
    const flags = {
      skipBad: false,
      groupDuplicates: false,
      allowLeak: false,
      force: false,
      json: true,
      yes: false,
      confirmAbove: 2,
    };
    return runProtocols({ data: 'data', out: 'out', protocol, ...flags }, config, {});
  };
  const refused = { code: 'USAGE', message: 'REDIS_URL is set, but CRYFOLD_STORE is not' };
  await assert.rejects(run([], cluster), refused);
  await assert.rejects(run(['paper', 'grouped'], cluster), refused);
  await assert.rejects(trainFinalCommand('small-1', { json: true }, cluster), refused);
});
