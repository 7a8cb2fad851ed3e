import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { CryfoldError, Random } from '@cryfold/core';
import { readDataset } from '../src/dataset.js';
import { WALK_LIMITS, walkTree } from '../src/walk.js';
import { encodeWav } from '../src/wav.js';

const roots: string[] = [];
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cryfold-walk-'));
  roots.push(root);
});
after(() => Promise.all(roots.map((folder) => rm(folder, { recursive: true }))));

const at = (...parts: string[]) => join(root, ...parts);

/** Writes files that contain their own names. */
async function put(...files: string[]): Promise<void> {
  for (const file of files) {
    await mkdir(dirname(at(file)), { recursive: true });
    await writeFile(at(file), file);
  }
}

const isWav = (name: string) => /\.wav$/i.test(name);

async function walk(limits = {}) {
  const { files, skipped } = await walkTree(root, isWav, { ...WALK_LIMITS, ...limits });
  for (const { code, message, hint } of skipped) {
    assert.equal(code, message.endsWith('already read') ? 'DATA_READ_ALREADY' : 'DATA_UNREADABLE');
    assert.ok(hint);
  }
  return { files, skipped: skipped.map(({ message }) => message) };
}

test('finds recordings in all folders, sorted, without hidden files and metadata of other systems', async () => {
  await put('b/2.wav', 'b/deep/er/1.WAV', 'a.wav', 'b/notes.txt', 'é/ñ.wav');
  await put('.hidden/x.wav', 'b/._2.wav', '__MACOSX/b/2.wav', 'b/@eaDir/2.wav/SYNOAUDIO.wav');
  assert.deepEqual(await walk(), { files: ['a.wav', 'b/2.wav', 'b/deep/er/1.WAV', 'é/ñ.wav'], skipped: [] });
});

test('reads each file and folder once, under its own path rather than the path of a link', async () => {
  await put('m/1.wav', 'm/2.wav', 'elsewhere.txt');
  const other = await mkdtemp(join(tmpdir(), 'cryfold-walk-'));
  roots.push(other);
  await writeFile(join(other, '3.wav'), '3');
  await symlink('m', at('a'));
  await symlink('..', at('m', 'up'));
  await symlink('.', at('self'));
  await symlink('m/1.wav', at('1.wav'));
  await link(at('m/2.wav'), at('m/3.wav'));
  for (const name of ['x', 'y']) await symlink(other, at(name));
  await symlink(join(other, '3.wav'), at('m', '4.wav'));
  assert.deepEqual(await walk(), {
    files: ['m/1.wav', 'm/2.wav', 'x/3.wav'],
    skipped: [
      '1.wav: is the same file as m/1.wav, which was already read',
      'a: is the same folder as m, which was already read',
      'm/3.wav: is the same file as m/2.wav, which was already read',
      'm/4.wav: is the same file as x/3.wav, which was already read',
      'm/up: is the same folder as the directory itself, which was already read',
      'self: is the same folder as the directory itself, which was already read',
      'y: is the same folder as x, which was already read',
    ],
  });
  // If only a link leads to a file, the file is listed under the path of the link.
  await rm(at('x'));
  await rm(at('y'));
  assert.deepEqual((await walk()).files, ['m/1.wav', 'm/2.wav', 'm/4.wav']);
});

test('skips anything that is not a file, and reports its path and the cause', async () => {
  await put('x/1.wav', 'x/folder.wav/2.wav');
  await symlink('nowhere', at('x', 'broken.wav'));
  await symlink('../gone', at('x', 'class'));
  await symlink('loop.wav', at('x', 'loop.wav'));
  await symlink('1.wav/2.wav', at('x', 'through.wav'));
  await symlink('/dev/zero', at('x', 'zero.wav'));
  execFileSync('mkfifo', [at('x', 'pipe.wav'), at('x', 'pipe')]);
  const server = createServer().listen(at('x', 'socket.wav'));
  await once(server, 'listening');
  assert.deepEqual(await walk(), {
    files: ['x/1.wav', 'x/folder.wav/2.wav'],
    skipped: [
      'x/broken.wav: is a dangling link',
      'x/class: is a dangling link',
      'x/folder.wav: is a folder, not a recording; recordings inside it are read',
      'x/loop.wav: is a link to itself',
      'x/pipe.wav: cannot be read: it is a named pipe, not a regular file',
      'x/socket.wav: cannot be read: it is a socket, not a regular file',
      'x/through.wav: is a dangling link',
      'x/zero.wav: cannot be read: it is a device, not a regular file',
    ],
  });
  server.close();
});

test('reports files and folders whose names are not UTF-8', { skip: process.platform !== 'linux' }, async () => {
  await put('x/1.wav');
  const latin1 = (name: string) => Buffer.from(at(name), 'latin1');
  await writeFile(latin1('x/bébé.wav'), '');
  await writeFile(latin1('x/été.txt'), '');
  await mkdir(latin1('né'));
  const why = 'has a name that is not UTF-8, but probably Latin-1 as shown here';
  assert.deepEqual(await walk(), { files: ['x/1.wav'], skipped: [`né: ${why}`, `x/bébé.wav: ${why}`] });
});

test('skips a folder that is nested too deep', async () => {
  await put('x/1.wav', 'x/y/z/3.wav');
  const skipped = ['x/y/z: is nested deeper than 2 folders and is not read'];
  assert.deepEqual(await walk({ depth: 2 }), { files: ['x/1.wav'], skipped });
});

test('skips a folder that may not be read, such as lost+found', async (t) => {
  await put('x/1.wav', 'lost+found/2.wav');
  await chmod(at('lost+found'), 0);
  t.after(() => chmod(at('lost+found'), 0o700));
  const asRoot = process.geteuid?.() === 0;
  if (asRoot) {
    // Root may read every folder, so the test continues as the user `nobody`.
    await chmod(root, 0o755);
    process.seteuid?.(65534);
  }
  try {
    const cannot = 'lost+found: is a folder that cannot be read: EACCES: permission denied';
    assert.deepEqual(await walk(), { files: ['x/1.wav'], skipped: [cannot] });
  } finally {
    if (asRoot) process.seteuid?.(0);
  }
});

test('stops early in a directory that contains mostly other files', async () => {
  await put(...Array.from({ length: 9 }, (_, i) => `${i}.txt`), '1.wav');
  const tooLarge = (expected: RegExp) => (error: unknown) => {
    assert.ok(error instanceof CryfoldError);
    assert.equal(error.code, 'DATA_TOO_LARGE');
    assert.match(error.message, expected);
    return true;
  };
  await assert.rejects(walk({ entries: 9 }), tooLarge(/contains more than 9 files and folders$/));
  await rm(at('1.wav'));
  await assert.rejects(walk({ sparse: 8 }), tooLarge(/only 0 of the first 8 files and folders are recordings$/));
  await put(...Array.from({ length: 9 }, (_, i) => `${i}.wav`));
  assert.equal((await walk({ entries: 18, sparse: 15 })).files.length, 9);
});

test('readDataset skips unreadable entries without any flag and lists them', async () => {
  const random = new Random(1);
  const sound = () =>
    encodeWav(
      new Float64Array(100).map(() => random.below(60000) / 32768 - 0.9),
      100,
    );
  await put('x/1.wav', 'y/2.wav');
  for (const file of ['x/1.wav', 'y/2.wav']) await writeFile(at(file), sound());
  const clean = await readDataset(root);
  await symlink('..', at('x', 'up'));
  await symlink('../x/1.wav', at('y', '1.wav'));
  const { contentHash, skipped } = await readDataset(root);
  assert.equal(contentHash, clean.contentHash);
  assert.deepEqual(
    skipped.map(({ file, code }) => [file, code]),
    [
      ['x/up', 'DATA_READ_ALREADY'],
      ['y/1.wav', 'DATA_READ_ALREADY'],
    ],
  );
});
