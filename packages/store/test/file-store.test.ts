import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError, sha256 } from '@cryfold/core';
import { FileStore } from '../src/file-store.js';
import { openStore, readArtifact } from '../src/index.js';
import { describeArtifactStore } from './conformance.js';

const root = await mkdtemp(join(tmpdir(), 'cryfold-store-'));
let next = 0;
after(() => rm(root, { recursive: true, force: true }));

describeArtifactStore('file store', async () => openStore(`file:${join(root, String(next++))}`));

test('file store: removes staged files, and reports a file in place of a folder as a retryable error', async () => {
  const folder = join(root, 'blocked');
  const store = openStore(`file:${folder}`);
  await store.put('a', new Uint8Array([1]));
  assert.deepEqual(await readdir(join(folder, '.staging')), []);
  await assert.rejects(store.put('a/b', new Uint8Array([1])), (error) => {
    return error instanceof CryfoldError && error.code === 'STORE_UNREACHABLE' && error.retryable;
  });
});

test('file store: treats a key that is too long for a file name as absent', async () => {
  const store = openStore(`file:${join(root, 'long')}`);
  const key = 'a'.repeat(300);
  assert.equal(await store.get(key), undefined);
  assert.equal(await store.open(key), undefined);
  assert.equal(await store.has(key), false);
  for await (const found of store.list(`${key}/`)) assert.fail(found);
});

test('file store: removes only the staged files of dead processes in a check', async () => {
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

test('readArtifact distinguishes missing and damaged artifacts', async () => {
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

test('openStore rejects URLs that it does not support', () => {
  for (const url of ['', 'file:', 'http://x/y', 's3:store', 'file://', 'file://host/store', 'file:///a%2Fb']) {
    assert.throws(
      () => openStore(url),
      (error) => error instanceof CryfoldError && error.code === 'STORE_URL_INVALID',
    );
  }
});

test('never reads, writes, lists or deletes through a link that leads out of the store', async () => {
  const base = await mkdtemp(join(tmpdir(), 'cryfold-links-'));
  try {
    const outside = join(base, 'outside');
    await mkdir(join(outside, 'r'), { recursive: true });
    await writeFile(join(outside, 'r/plan.json'), 'mine');
    await mkdir(join(base, 'disk/other'), { recursive: true });
    await symlink(join(base, 'disk'), join(base, 'store'));
    const store = new FileStore(join(base, 'store'));
    const bytes = new TextEncoder().encode('ours');
    await symlink(outside, join(base, 'disk/runs'));
    await symlink(join(base, 'disk/other'), join(base, 'disk/inside'));
    await symlink(join(outside, 'r/plan.json'), join(base, 'disk/linked'));
    const refused = { code: 'STORE_KEY_INVALID' };
    await assert.rejects(store.put('runs/r/plan.json', bytes), refused);
    await assert.rejects(store.putIfAbsent('runs/new/plan.json', bytes), refused);
    await assert.rejects(store.get('runs/r/plan.json'), refused);
    await assert.rejects(store.get('linked'), refused);
    await assert.rejects(store.delete('runs/r/plan.json'), refused);
    await assert.rejects(async () => {
      for await (const _ of store.list('runs/'));
    }, refused);
    assert.deepEqual(await readdir(outside, { recursive: true }), ['r', 'r/plan.json']);
    assert.equal(await readFile(join(outside, 'r/plan.json'), 'utf8'), 'mine');
    await store.put('linked', bytes);
    assert.equal(await readFile(join(outside, 'r/plan.json'), 'utf8'), 'mine');
    await store.put('inside/x', bytes);
    assert.deepEqual(await store.get('inside/x').then((got) => new TextDecoder().decode(got)), 'ours');
    await rm(join(base, 'disk/.staging'), { recursive: true });
    await symlink(outside, join(base, 'disk/.staging'));
    // Wait until the store checks its folders again
    await sleep(150);
    await assert.rejects(store.put('y', bytes), refused);
  } finally {
    await rm(base, { recursive: true });
  }
});

test('does not list the lost+found folder of a volume', async () => {
  const folder = join(root, 'volume');
  const store = openStore(`file:${folder}`);
  await store.put('runs/1', new Uint8Array([1]));
  await mkdir(join(folder, 'lost+found'));
  await writeFile(join(folder, 'lost+found', '#12'), 'x');
  const keys: string[] = [];
  for await (const key of store.list('')) keys.push(key);
  assert.deepEqual(keys, ['runs/1']);
});

test('does not block on a pipe in place of an artifact', async () => {
  const base = await mkdtemp(join(tmpdir(), 'cryfold-pipe-'));
  try {
    execFileSync('mkfifo', [join(base, 'pipe')]);
    await assert.rejects(new FileStore(base).get('pipe'), /it is a named pipe, not a regular file/);
  } finally {
    await rm(base, { recursive: true });
  }
});

// The errors are simulated, because few machines can mount such a file system. Checked by hand on exFAT through FUSE,
// which does return such an error.
for (const code of ['EPERM', 'ENOSYS', 'EOPNOTSUPP']) {
  test(`file store: rejects a file system without hard links (${code}) and writes nothing`, async () => {
    const folder = join(root, `links-${code}`);
    const link = mock.method(fs, 'link', async () => {
      throw Object.assign(new Error(`${code}: link`), { code });
    });
    syncBuiltinESMExports();
    const store = openStore(folder);
    try {
      for (const action of [() => store.check(), () => store.putIfAbsent('a/b', new Uint8Array(1))]) {
        await assert.rejects(action, (error) => {
          assert.ok(error instanceof CryfoldError && error.code === 'STORE_UNSAFE');
          assert.match(error.message, /does not support hard links/);
          return true;
        });
      }
      assert.deepEqual(await readdir(join(folder, '.staging')), []);
      assert.equal(await store.get('a/b'), undefined);
    } finally {
      link.mock.restore();
      syncBuiltinESMExports();
    }
    assert.equal(await store.putIfAbsent('a/b', new Uint8Array(1)), true);
  });
}
