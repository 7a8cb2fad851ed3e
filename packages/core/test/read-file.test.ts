import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { printable } from '../src/printable.js';
import { readRegularFile, readRegularText } from '../src/read-file.js';

let folder: string;
const path = (name: string) => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-read-'));
});
after(() => rm(folder, { recursive: true }));

test('reads a regular file up to the size limit, even through a symbolic link', async () => {
  await writeFile(path('file'), 'x'.repeat(2048));
  await symlink('file', path('link'));
  assert.equal(await readRegularText(path('link'), 2048), 'x'.repeat(2048));
  await assert.rejects(readRegularFile(path('file'), 1024), /it is larger than 1 KiB/);
  await writeFile(path('empty'), '');
  assert.equal(await readRegularText(path('empty'), 1024), '');
});

test('reads a file of unknown size', { skip: process.platform !== 'linux' }, async () => {
  assert.match(await readRegularText('/proc/self/status', 2 ** 20), /^Name:/);
});

test('refuses a 10 GB file without reading it', async () => {
  await writeFile(path('huge'), '');
  await truncate(path('huge'), 10 ** 10);
  await assert.rejects(readRegularFile(path('huge'), 2 ** 20), /it is larger than 1 MiB/);
});

test('refuses pipes, sockets, devices and folders without waiting for them', async () => {
  execFileSync('mkfifo', [path('pipe')]);
  await symlink('/dev/zero', path('zero'));
  await mkdir(path('folder'));
  const server = createServer().listen(path('socket'));
  await once(server, 'listening');
  const kinds = { pipe: /named pipe/, zero: /a device/, folder: /a directory/, socket: /a socket/ };
  for (const [name, expected] of Object.entries(kinds))
    await assert.rejects(readRegularFile(path(name), 1024), expected);
  server.close();
});

test('shows control characters, line breaks and direction overrides as U+FFFD, and leaves other text unchanged', () => {
  assert.equal(printable('a\u001b]52;c;x\u0007\n\u009b2J\u202egpj'), 'a\ufffd]52;c;x\ufffd\ufffd\ufffd2J\ufffdgpj');
  assert.equal(printable('شبع – schläfrig 眠い 👶🏽 שלום'), 'شبع – schläfrig 眠い 👶🏽 שלום');
});
