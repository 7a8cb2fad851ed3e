import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, temporaryFolder } from './command.js';

const skip = !existsSync('/proc/self/environ') && 'this system has no /proc, which is needed to find processes';

test('scripts/test finds, reports and removes what test files leave behind', { skip }, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const inside = join(folder.path, 'test.one');
  await mkdir(join(inside, 'cryfold-redis-x'), { recursive: true });
  await mkdir(join(folder.path, 'test.tidy'));
  await writeFile(join(inside, 'note.txt'), 'left');
  const marked = { CRYFOLD_TEST_RUN: folder.path, CRYFOLD_TEST_FILE: 'test.two' };
  // One process can be recognized by its environment. The other one, like Redis, can only be recognized by its working
  // directory.
  const left = [
    spawn('sleep', ['600'], { env: { PATH: process.env.PATH, ...marked } }),
    spawn('sleep', ['601'], { env: { PATH: process.env.PATH }, cwd: inside }),
  ];
  const ended = left.map((child) => once(child, 'exit'));
  const script = join(ROOT, 'test/dist/src/runner/leftovers.js');
  const lines = execFileSync(process.execPath, [script, folder.path], { encoding: 'utf8' }).trim().split('\n');
  await Promise.all(ended);
  assert.deepEqual(lines.sort(), [
    '4',
    `test: left behind by test.one: process ${left[1].pid}: sleep 601`,
    `test: left behind by test.one: temporary file: ${join(inside, 'cryfold-redis-x')}`,
    `test: left behind by test.one: temporary file: ${join(inside, 'note.txt')}`,
    `test: left behind by test.two: process ${left[0].pid}: sleep 600`,
  ]);
  assert.ok(!existsSync(folder.path));
});
