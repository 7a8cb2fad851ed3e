import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { Coordinator } from '../src/coordinator.js';

test('opens nothing before it is started, and can then be stopped immediately', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-idle-'));
  t.after(() => rm(folder, { recursive: true }));
  const store = new RunStore(openStore(`file:${folder}`));
  const log = createLogger('test', 'silent');
  const before = process.getActiveResourcesInfo().length;
  const coordinator = new Coordinator({ redisUrl: 'redis://127.0.0.1:1', store, log });
  assert.equal(process.getActiveResourcesInfo().length, before);
  await coordinator.stop(0);
  assert.deepEqual(await readdir(folder), []);
});
