import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CryfoldError, sha256 } from '@cryfold/core';
import { openStore, readArtifact } from '../src/index.js';
import { describeArtifactStore } from './conformance.js';

const root = await mkdtemp(join(tmpdir(), 'cryfold-store-'));
let next = 0;
after(() => rm(root, { recursive: true, force: true }));

describeArtifactStore('file store', async () => openStore(`file:${join(root, String(next++))}`));

test('file store: leaves nothing staged behind, and a file in the way is a coded, retryable error', async () => {
  const folder = join(root, 'blocked');
  const store = openStore(`file:${folder}`);
  await store.put('a', new Uint8Array([1]));
  assert.deepEqual(await readdir(join(folder, '.staging')), []);
  await assert.rejects(store.put('a/b', new Uint8Array([1])), (error) => {
    return error instanceof CryfoldError && error.code === 'STORE_UNREACHABLE' && error.retryable;
  });
});

test('file store: check removes what a dead process staged, and leaves the rest', async () => {
  const folder = join(root, 'abandoned');
  const store = openStore(`file:${folder}`);
  await store.check();
  const names = ['0'.repeat(24), '1'.repeat(24), 'notes.txt'];
  for (const name of names) await writeFile(join(folder, '.staging', name), 'x');
  const yesterday = Date.now() / 1000 - 25 * 3600;
  for (const name of [names[0], names[2]]) await utimes(join(folder, '.staging', name), yesterday, yesterday);
  await store.check();
  assert.deepEqual((await readdir(join(folder, '.staging'))).sort(), [names[1], names[2]]);
});

test('readArtifact tells a missing artifact from a damaged one', async () => {
  const folder = join(root, 'damaged');
  const store = openStore(`file:${folder}`);
  const hash = sha256(new Uint8Array([1, 2, 3]));
  const rejectsWith = (code: string) => (error: unknown) => error instanceof CryfoldError && error.code === code;
  await assert.rejects(readArtifact(store, 'x', hash), rejectsWith('ARTIFACT_MISSING'));
  await store.put('x', new Uint8Array([1, 2, 3]));
  assert.equal((await readArtifact(store, 'x', hash)).length, 3);
  await chmod(join(folder, 'x'), 0o644);
  await writeFile(join(folder, 'x'), new Uint8Array([1, 2]));
  await assert.rejects(readArtifact(store, 'x', hash), rejectsWith('ARTIFACT_CORRUPT'));
});

test('openStore refuses URLs that it cannot serve', () => {
  for (const url of ['', 'file:', 'http://x/y', 'store', 'file://']) {
    assert.throws(
      () => openStore(url),
      (error) => error instanceof CryfoldError && error.code === 'STORE_URL_INVALID',
    );
  }
});
