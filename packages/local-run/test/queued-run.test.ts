import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sha256 } from '@cryfold/core';
import { repeatedKFold } from '@cryfold/evaluation';
import { parseSpec, planRun } from '@cryfold/plan';
import { Queues } from '@cryfold/queue';
import { loadConfig } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { QueuedRun } from '../src/queued-run.js';
import { findRedisServer, RedisServer } from '../src/redis-server.js';

const folder = await mkdtemp(join(tmpdir(), 'cryfold-queued-'));
const store = new RunStore(openStore(`file:${folder}`));
const program = await findRedisServer(process.env.PATH ?? '', loadConfig().cacheDir);
const redis = await RedisServer.start(program, { log: 2, logFile: 'stderr', say: () => {} });
const queues = new Queues(redis.url);
after(async () => {
  await queues.close();
  await redis.stop();
  await rm(folder, { recursive: true });
});

const plan = planRun({
  spec: parseSpec('version: 1\nname: queued\nestimators: { svm: { kind: svm } }', 'spec.yaml'),
  manifest: {
    ...{ format: 1, name: 'queued', contentHash: sha256('queued'), grouped: true, classes: ['a', 'b'] },
    clips: Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, label: 'ab'[i % 2], group: `${i}` })),
  },
  splits: repeatedKFold(6, { splits: 3, repeats: 1, seed: 0 }),
});
await store.runs.savePlan(plan);

test('submits a run that waits for a coordinator, and stops following it once it is cancelled', async () => {
  const run = await QueuedRun.submit(plan, store, { queues, ownWorkers: true, describe: () => 'a line' });
  assert.equal((await queues.job('runs', plan.run))?.state, 'waiting');
  const nothing = { state: 'unfinished', line: undefined, cluster: undefined, waits: undefined };
  assert.deepEqual(await run.poll(4), nothing);
  // The command manages its own workers, so it does not check for any.
  assert.deepEqual(await run.poll(10), nothing);
  await store.runs.cancel(plan.run);
  assert.deepEqual(await run.poll(9), { state: 'cancelled' });
  await store.runs.reopen(plan.run);
});

test('keeps following a run while Redis does not respond, and reports the outage', async () => {
  const own = new Queues(redis.url);
  const run = await QueuedRun.submit(plan, store, { queues: own, ownWorkers: false, describe: () => 'a line' });
  await own.close();
  const { state, waits } = await run.poll(10);
  assert.equal(state, 'unfinished');
  assert.match(waits ?? '', /^REDIS_UNREACHABLE: /);
});

test('occasionally checks whether another cluster has workers and waiting jobs', async () => {
  const run = await QueuedRun.submit(plan, store, { queues, ownWorkers: false, describe: () => 'a line' });
  assert.equal((await run.poll(9)).cluster, undefined);
  const { cluster } = await run.poll(10);
  assert.deepEqual([cluster?.workers, cluster?.queues?.runs.waiting], [[], 1]);
});
