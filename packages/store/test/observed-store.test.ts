import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import { type ArtifactStore, observed, openStore, type StoreOperation } from '../src/index.js';

async function opened(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-observed-'));
  t.after(() => rm(folder, { recursive: true }));
  const operations: StoreOperation[] = [];
  const store = observed(openStore(`file:${folder}`), (operation) => operations.push(operation));
  /** Returns the operations that were observed since the last call, without their durations. */
  const seen = () => operations.splice(0).map(({ operation, failed, bytes }) => [operation, failed, bytes]);
  return { store, operations, seen };
}
const bytes = Buffer.from('twelve bytes');

test('reports each operation with its bytes', async (t) => {
  const { store, operations, seen } = await opened(t);
  await store.check();
  operations.length = 0;
  await store.put('a/b', bytes);
  assert.deepEqual(seen(), [['put', false, 12]]);
  assert.deepEqual(Buffer.from((await store.get('a/b')) ?? []), bytes);
  assert.deepEqual(seen(), [['get', false, 12]]);
  assert.equal(await store.get('a/none'), undefined);
  assert.deepEqual(seen(), [['get', false, 0]]);
  assert.deepEqual([await store.has('a/b'), await store.has('a/none')], [true, false]);
  assert.equal((await store.stat('a/b'))?.bytes, 12);
  assert.deepEqual(seen(), [...[1, 2].map(() => ['has', false, 0]), ['stat', false, 0]]);
  assert.equal(await store.putIfAbsent('a/c', bytes), true);
  assert.deepEqual(seen(), [['putIfAbsent', false, 12]]);
  const keys: string[] = [];
  for await (const key of store.list('a/')) keys.push(key);
  assert.deepEqual([keys, seen()], [['a/b', 'a/c'], [['list', false, 0]]]);
  await store.delete('a/c');
  assert.deepEqual(seen(), [['delete', false, 0]]);
  await store.put('a/d', bytes);
  assert.ok(operations[0].seconds > 0 && operations[0].seconds < 60);
  await store.close();
});

test('reports streams once they have ended, with the number of bytes transferred', async (t) => {
  const { store, operations, seen } = await opened(t);
  const pieces = async function* () {
    yield bytes.subarray(0, 5);
    assert.deepEqual(operations, [], 'not reported before the end');
    yield bytes.subarray(5);
  };
  assert.equal(await store.putStreamIfAbsent('a/b', pieces(), sha256(bytes)), true);
  assert.deepEqual(seen(), [['putIfAbsent', false, 12]]);

  const found = (await store.open('a/b')) ?? assert.fail();
  assert.deepEqual(operations, []);
  let text = '';
  for await (const chunk of found.stream) text += chunk;
  if (!found.stream.closed) await once(found.stream, 'close');
  assert.deepEqual([text, seen()], ['twelve bytes', [['get', false, 12]]]);
  assert.equal(await store.open('a/none'), undefined);
  assert.deepEqual(seen(), [['get', false, 0]]);

  const broken = (await store.open('a/b')) ?? assert.fail();
  const closed = new Promise((resolve) => broken.stream.once('close', resolve));
  broken.stream.on('error', () => {}).destroy(new Error('the consumer failed'));
  await closed;
  assert.deepEqual(seen(), [['get', true, 12]]);
});

test('reports failures, and propagates their errors', async (t) => {
  const { store, seen } = await opened(t);
  const invalid = (error: unknown) => error instanceof CryfoldError && error.code === 'STORE_KEY_INVALID';
  const list = async () => {
    for await (const _ of store.list('../')) assert.fail();
  };
  const broken = async function* () {
    yield bytes;
    throw new Error('the upload failed');
  };
  await assert.rejects(store.get('../x'), invalid);
  await assert.rejects(store.open('../x'), invalid);
  await assert.rejects(store.put('../x', bytes), invalid);
  await assert.rejects(list(), invalid);
  await assert.rejects(store.putStreamIfAbsent('a/b', broken()), /the upload failed/);
  assert.deepEqual(seen(), [
    ['get', true, 0],
    ['get', true, 0],
    ['put', true, 0],
    ['list', true, 0],
    ['putIfAbsent', true, 0],
  ]);
});

test('returns a store unchanged if there is no observer', () => {
  const store = {} as ArtifactStore;
  assert.equal(observed(store), store);
});
