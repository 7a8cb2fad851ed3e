import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { checkOutFile, checkOutFolder, OutFolder, writeOutFile } from '../src/write-out.js';

const base = await mkdtemp(join(tmpdir(), 'cryfold-write-'));
let folder: string;
let serial = 0;
const path = (...names: string[]) => join(folder, ...names);
beforeEach(async () => {
  folder = join(base, String(serial++));
  await mkdir(folder);
});
after(() => rm(base, { recursive: true }));

const unwritable = (pattern: RegExp) => (error: { code?: string; message: string }) => {
  assert.equal(error.code, 'OUT_UNWRITABLE');
  assert.match(error.message, pattern);
  return true;
};

test('replaces a link to a file, and leaves the target of the link unchanged', async () => {
  await writeFile(path('precious'), 'mine');
  for (const target of ['precious', 'absent']) {
    await symlink(path(target), path('report.html'));
    await writeOutFile(path('report.html'), 'ours');
    assert.ok((await lstat(path('report.html'))).isFile());
    assert.equal(await readFile(path('report.html'), 'utf8'), 'ours');
    await rm(path('report.html'));
  }
  assert.equal(await readFile(path('precious'), 'utf8'), 'mine');
  assert.deepEqual(await readdir(folder), ['precious']);
});

test('keeps the mode of a file that it replaces', async () => {
  await writeFile(path('secret'), 'old');
  await chmod(path('secret'), 0o600);
  await writeOutFile(path('secret'), 'new');
  assert.equal((await stat(path('secret'))).mode & 0o777, 0o600);
});

test('refuses to write to a device, pipe or folder', async () => {
  execFileSync('mkfifo', [path('pipe')]);
  await symlink('/dev/null', path('null'));
  for (const name of ['pipe', 'null']) {
    await assert.rejects(checkOutFile(path(name)), unwritable(/it is a device, pipe or socket/));
    await assert.rejects(writeOutFile(path(name), ''), unwritable(/it is a device, pipe or socket/));
  }
  await assert.rejects(writeOutFile(folder, ''), unwritable(/it is a folder/));
});

test('accepts a link as the output folder, but refuses links inside it that lead outside', async () => {
  await mkdir(path('disk'));
  await mkdir(path('elsewhere'));
  await symlink(path('disk'), path('out'));
  const out = new OutFolder(path('out'));
  assert.equal(await out.write('a/b/file', 'x'), path('out/a/b/file'));
  await symlink(path('elsewhere'), path('disk/c'));
  await symlink(path('disk/a'), path('disk/inside'));
  await symlink(path('absent'), path('disk/dangling'));
  await writeFile(path('disk/file'), '');
  await out.write('inside/file', 'x');
  await assert.rejects(out.write('c/file', 'x'), unwritable(/c is a link that leads outside/));
  await assert.rejects(out.folder('c/d'), unwritable(/c is a link that leads outside/));
  await assert.rejects(out.folder('dangling'), unwritable(/dangling/));
  await assert.rejects(out.folder('file/d'), unwritable(/there is a file where a folder should be/));
  assert.deepEqual(await readdir(path('elsewhere')), []);
  assert.deepEqual(await readdir(path('disk/a')), ['b', 'file']);
});

test('checks the parents of an output folder that does not exist yet', async () => {
  await checkOutFolder(path('a', 'b'));
  await writeFile(path('file'), '');
  await symlink(path('absent'), path('dangling'));
  for (const way of [path('file', 'out'), path('file', 'a', 'b'), path('dangling'), path('dangling', 'out')]) {
    await assert.rejects(checkOutFolder(way), unwritable(/(file|dangling) cannot be written: there is a file where/));
  }
  assert.deepEqual((await readdir(folder)).sort(), ['dangling', 'file']);
});

test('leaves the old file intact if the command is killed while writing', async () => {
  await writeFile(path('file'), 'old');
  const script = `
    const { writeOutFile } = await import(process.argv[1]);
    process.stdout.write('on');
    for (;;) await writeOutFile(process.argv[2], 'new'.repeat(10_000_000));`;
  for (let i = 0; i < 3; i++) {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', script, new URL('../src/write-out.js', import.meta.url).href, path('file')],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok([3, 30_000_000].includes((await stat(path('file'))).size));
  }
});

/** A disk of 64 KiB; undefined if this user may not mount one. */
function smallDisk(): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    return undefined;
  }
}

test('leaves only the old file if the disk is full', async (t) => {
  const disk = smallDisk();
  if (!disk) return t.skip('needs the right to mount a tmpfs');
  try {
    await writeFile(path('results.json'), 'old');
    const content = 'x'.repeat(2 ** 20);
    await assert.rejects(writeOutFile(path('results.json'), content), unwritable(/results\.json .*no space is left/));
    await assert.rejects(new OutFolder(disk).write('a/b', content), unwritable(/a\/b .*no space is left/));
    assert.equal(await readFile(path('results.json'), 'utf8'), 'old');
    assert.deepEqual(await readdir(disk, { recursive: true }), ['a', 'results.json']);
  } finally {
    execFileSync('umount', [disk]);
  }
});
