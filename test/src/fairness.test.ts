import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '@cryfold/core';
import { type DatasetManifest, parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import { Consumer, Queues, workPayload } from '@cryfold/queue';
import { openStore, RunStore } from '@cryfold/store';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, until } from './command.js';
import { withoutRedis } from './testbed.js';

/** Returns a plan with `count` folds of one network, which are never really trained. */
function plan(name: string, count: number, rest = ''): RunPlan {
  const spec = parseSpec(`version: 1\nname: ${name}\nestimators: { cnn: { kind: small-cnn } }\n${rest}`, 'spec.yaml');
  const clips = Array.from({ length: 4 }, (_, i) => ({ id: `c${i}`, label: i % 2 ? 'a' : 'b', group: 'g' }));
  const manifest: DatasetManifest = {
    ...{ format: 1, name, contentHash: sha256(name), grouped: false, classes: ['a', 'b'], clips },
  };
  // The folds have different indices, so that each of them gets its own key.
  const splits = Array.from({ length: count }, (_, i) => ({
    ...{ repeat: i, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2, i + 3) },
  }));
  return planRun({ spec, manifest, splits });
}

/**
 * Starts a real Redis and coordinator. The test process itself acts as the worker: it takes one fold at a time, and
 * records which run the fold belongs to.
 */
async function scene(t: { after(done: () => Promise<void>): void }) {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-fairness-'));
  const cluster = await Cluster.start(folder, (await findRedis()) as string);
  const url = `redis://127.0.0.1:${cluster.redisPort}`;
  const environment = { ...process.env, REDIS_URL: url, CRYFOLD_STORE: `file:${folder}/store` };
  cluster.run(environment as Record<string, string>, { coordinator: ['coordinator'] });
  const store = new RunStore(openStore(`file:${folder}/store`));
  const queues = new Queues(url);
  const order: string[] = [];
  const artifact = { key: 'x', sha256: sha256('x') };
  const worker = new Consumer({
    ...{ url, queue: 'gpu', schema: workPayload, concurrency: 1, maxStalledCount: 1, onError: () => {} },
    handle: async (payload) => {
      if (payload.kind !== 'fold') return;
      order.push(payload.run.split('-')[0]);
      await sleep(2);
      await store.folds.commit({
        ...{ format: 1, key: payload.key, attempt: 'x', curve: [], seconds: 0, environment: {} },
        probabilities: artifact,
      });
    },
  });
  t.after(async () => {
    await worker.close(true);
    await queues.close();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const submit = async (one: RunPlan) => {
    await store.runs.savePlan(one);
    await until('Redis', async () =>
      queues.add('runs', [{ id: one.run, payload: { format: 1, kind: 'run', run: one.run } }]).then(
        () => true,
        () => false,
      ),
    );
  };
  const command = async (...args: string[]) => {
    const { code, stdout, stderr } = await cryfold([...args, '--json'], environment);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  return { queues, order, submit, command };
}

test('shares workers fairly between runs, regardless of their queue lengths', { skip: withoutRedis }, async (t) => {
  const { queues, order, submit, command } = await scene(t);
  const first = plan('first', 600);
  await submit(first);
  await until('the first run to be in progress', async () => order.length > 50);

  await submit(plan('second', 250));
  await until('the second run to start', async () => order.includes('second'));
  const from = order.indexOf('second');
  await until('both runs to progress', async () => order.length > from + 400);
  const shared = order.slice(from, from + 400);
  const second = shared.filter((run) => run === 'second').length;
  assert.ok(second >= 180 && second <= 220, `the second run got ${second} of 400 folds`);

  const paused = await command('pause', first.run);
  assert.deepEqual(paused.scheduling, { priority: 'normal', paused: true });
  assert.equal((await command('status', first.run)).scheduling.paused, true);
  await until('the paused run to leave the queue', async () => (await queues.counts('gpu')).waiting <= 100);
  await until('the other run to finish', async () => order.filter((run) => run === 'second').length === 250);
  await until('the queue to be empty', async () => {
    const { waiting, active } = await queues.counts('gpu');
    return waiting + active === 0;
  });
  const done = order.length;
  assert.ok(done < 850, 'the paused run still has folds to train');
  await command('schedule', first.run, '--priority', 'high', '--max-parallel', '2');
  const resumed = await command('resume', first.run);
  assert.deepEqual(resumed.scheduling, { priority: 'high', maxParallel: 2, paused: false });
  await until('the resumed run to finish', async () => order.length >= 850);
  assert.equal(order.length, 850, 'no fold was trained twice');
});

test('enqueues at most maxParallel folds of a run at once', { skip: withoutRedis }, async (t) => {
  const { queues, order, submit } = await scene(t);
  await submit(plan('limited', 40, 'maxParallel: 3'));
  let most = 0;
  await until('the run to finish', async () => {
    const { waiting, active, delayed } = await queues.counts('gpu');
    most = Math.max(most, waiting + active + delayed);
    return order.length === 40;
  });
  assert.ok(most <= 3, `${most} folds were enqueued at once`);
});
