import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { announceRun, liveRuns } from '../src/live-run.js';
import { lockFolder } from '../src/out-lock.js';

const root = await mkdtemp(join(tmpdir(), 'cryfold-live-'));
after(() => rm(root, { recursive: true }));
const SOCKET = '/tmp/cryfold-redis-abcdef/redis.sock';

async function folder(name: string): Promise<string> {
  const path = join(root, name);
  await mkdir(path, { recursive: true });
  return path;
}

test('finds the run in a locked folder until the lock is released', async () => {
  const out = await folder('out');
  assert.deepEqual(liveRuns(out), []);
  const unlock = lockFolder(out);
  const first = announceRun(out, 'a-1');
  const known = { run: 'a-1', pid: process.pid, host: hostname(), folder: out };
  assert.deepEqual(liveRuns(out), [{ ...known, redisUrl: undefined }]);
  announceRun(out, 'a-1', SOCKET);
  assert.deepEqual(liveRuns(out), [{ ...known, redisUrl: SOCKET }]);
  assert.deepEqual(
    liveRuns(root).map(({ run }) => run),
    ['a-1'],
    'includes runs in subfolders',
  );
  first();
  unlock();
  assert.deepEqual(liveRuns(out), []);
  assert.deepEqual(await readdir(out), []);
});

test('ignores files left by a killed command, even after another command takes the lock', async () => {
  const out = await folder('stale');
  const unlock = lockFolder(out);
  announceRun(out, 'killed', SOCKET);
  await writeFile(join(out, '.lock'), `999999999 ${hostname()}\n`);
  assert.deepEqual(liveRuns(out), []);
  unlock();
  lockFolder(out);
  assert.deepEqual(liveRuns(out), []);
});

test('ignores invalid announcements and sockets of other services', async () => {
  const out = await folder('planted');
  lockFolder(out);
  for (const text of ['', 'null', '[]', '{"lock":1}', 'x'.repeat(10_000)]) {
    await writeFile(join(out, '.live'), text);
    assert.deepEqual(liveRuns(out), []);
  }
  for (const socket of ['redis://elsewhere:6379', '/run/redis.sock', 'cryfold-redis-abcdef/redis.sock']) {
    announceRun(out, 'a-1', socket);
    assert.equal(liveRuns(out)[0].redisUrl, undefined, socket);
  }
  assert.deepEqual(liveRuns(join(root, 'missing')), []);
});
