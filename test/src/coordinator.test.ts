import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Coordinator } from '@cryfold/coordinator';
import { CryfoldError, sha256 } from '@cryfold/core';
import { parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import { Consumer, Queues, runPayload, type WorkPayload, workPayload } from '@cryfold/queue';
import { createLogger } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { rawRecords } from '@cryfold/store/testing';
import { temporaryFolder, until } from './command.js';
import { RedisProcess } from './redis.js';
import { started } from './start-service.js';

let redis: RedisProcess;
let queues: Queues;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: RunStore;
const storeUrl = () => `file:${folder.path}`;

before(async () => {
  redis = await RedisProcess.start();
  queues = new Queues(redis.url);
  folder = await temporaryFolder();
  store = new RunStore(openStore(storeUrl()));
});
after(async () => {
  await queues.close();
  await redis.remove();
  await folder.remove();
});

/** Stores a plan with `count` folds of one network. */
async function planned(name: string, count: number): Promise<RunPlan> {
  const spec = parseSpec(`version: 1\nname: ${name}\nestimators: { cnn: { kind: small-cnn } }\n`, name);
  const clips = ['a', 'b', 'a', 'b'].map((label, i) => ({ id: `c${i}`, label, group: 'g' }));
  const content = { name, contentHash: sha256(name), grouped: false };
  const manifest = { format: 1 as const, ...content, classes: ['a', 'b'], clips };
  const splits = Array.from({ length: count }, (_, i) => ({
    ...{ repeat: i, fold: 0, train: Int32Array.of(0, 1) },
    test: Int32Array.of(2, i + 3),
  }));
  const plan = planRun({ spec, manifest, splits });
  await store.runs.savePlan(plan);
  return plan;
}

const consume = (handle: (payload: WorkPayload) => Promise<void>) =>
  new Consumer<WorkPayload>({
    ...{ url: redis.url, queue: 'gpu', schema: workPayload, concurrency: 1, maxStalledCount: 8 },
    ...{ handle, onError: () => {} },
  });

/** Starts a coordinator and a consumer that finishes runs. @returns a function that stops both */
async function driving(): Promise<() => Promise<void>> {
  const log = createLogger('test', 'silent');
  const coordinator = await started(new Coordinator({ redisUrl: redis.url, store, log }));
  const ending = new Consumer({
    ...{ url: redis.url, queue: 'aggregate', schema: runPayload, concurrency: 1, maxStalledCount: 8 },
    handle: ({ run }) => rawRecords(store.artifacts).results(run).write(''),
    onError: () => {},
  });
  return async () => {
    await ending.close(true);
    await coordinator.stop(0);
  };
}

const ended = (plan: RunPlan) => until('the run to finish', () => store.runs.hasResults(plan.run), 30);
const job = (plan: RunPlan, key: string) => ({
  id: key,
  payload: { format: 1, kind: 'fold', run: plan.run, key } as const,
});

test('records permanent failures that occurred while no coordinator was running, and retrains nothing', async () => {
  const plan = await planned('unheard', 3);
  const [first, ...others] = plan.jobs;
  const failing = consume(async () => {
    throw new CryfoldError('ARTIFACT_CORRUPT', 'images.npy: truncated');
  });
  await queues.add('gpu', [job(plan, first.key)]);
  await until('the failure', async () => (await queues.failures('gpu', [first.key])).size === 1);
  await failing.close();
  let trained = 0;
  const training = consume(async () => {
    trained++;
  });
  const stop = await driving();
  await ended(plan);
  assert.equal((await store.runs.failure(plan.run, first.key))?.error.code, 'ARTIFACT_CORRUPT');
  for (const { key } of others) assert.ok(await store.runs.failure(plan.run, key), 'parked');
  assert.equal(trained, 0);
  await until('Redis to forget', async () => (await queues.counts('gpu')).failed === 0);
  await stop();
  await training.close();
});
