import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { lockFolder } from '../src/out-lock.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-lock-'));
});
after(() => rm(folder, { recursive: true }));

const inUse = (error: unknown) => error instanceof CryfoldError && error.code === 'OUT_IN_USE';

test('a folder is refused while the process that holds it lives, and taken over from a killed one', async () => {
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(holder, 'spawn');
  await writeFile(join(folder, '.lock'), `${holder.pid} ${hostname()}\n`);
  assert.throws(() => lockFolder(folder), inUse);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const release = lockFolder(folder);
  release();
  await assert.rejects(access(join(folder, '.lock')));
});

test('another machine’s lock is not judged; an empty one is nobody’s', async () => {
  await writeFile(join(folder, '.lock'), `1 not-${hostname()}\n`);
  assert.throws(() => lockFolder(folder), inUse);
  await writeFile(join(folder, '.lock'), '');
  lockFolder(folder)();
});
