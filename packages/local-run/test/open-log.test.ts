import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openLog } from '../src/open-log.js';

const folder = await mkdtemp(join(tmpdir(), 'cryfold-log-'));
const path = (name: string) => join(folder, name);
after(() => rm(folder, { recursive: true }));

test('appends to a log, but never writes through a link or pipe', async () => {
  await writeFile(path('precious'), 'mine');
  await symlink(path('precious'), path('link.log'));
  execFileSync('mkfifo', [path('pipe.log')]);
  for (const name of ['link.log', 'pipe.log', 'new.log', 'new.log']) {
    const log = openLog(path(name));
    writeSync(log, 'x');
    closeSync(log);
  }
  assert.equal(await readFile(path('precious'), 'utf8'), 'mine');
  assert.equal(await readFile(path('new.log'), 'utf8'), 'xx');
  assert.equal(await readFile(path('pipe.log'), 'utf8'), 'x');
});
