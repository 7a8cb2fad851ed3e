import assert from 'node:assert/strict';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Aggregator, aggregate } from '@cryfold/aggregator';
import { Coordinator } from '@cryfold/coordinator';
import { LIMITS, sha256 } from '@cryfold/core';
import { modelKeys } from '@cryfold/model-registry';
import { parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import { Queues } from '@cryfold/queue';
import { type ListedModels, type RunStatus, StoreControl } from '@cryfold/run-control';
import { createLogger } from '@cryfold/runtime';
import { type ArtifactStore, openStore, RunStore } from '@cryfold/store';
import { rawRecords } from '@cryfold/store/testing';
import { cryfold, temporaryFolder, until } from './command.js';
import { writeRandomRun } from './random-run.js';
import { RedisProcess } from './redis.js';
import { startApi, started } from './start-service.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const log = createLogger('test', 'silent');

let redis: RedisProcess;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: ArtifactStore;
let records: ReturnType<typeof rawRecords>;
let good: RunPlan;
const storeUrl = () => `file:${folder.path}`;
const random = (name: string) => writeRandomRun(store, { clips: 30, repeats: 1, name });

/** The expected state and error code of each run with a damaged record, by run id. */
const damaged = new Map<string, [state: RunStatus['state'], code: string]>();

before(async () => {
  redis = await RedisProcess.start();
  folder = await temporaryFolder();
  store = openStore(storeUrl());
  records = rawRecords(store);
  good = await random('good');
  await aggregate(new RunStore(store), good.run);
  const plans: Record<string, (file: string) => Promise<void>> = {
    cut: (file) => truncate(file, 1000),
    empty: (file) => truncate(file, 0),
    enormous: (file) => truncate(file, LIMITS.planBytes + 1),
    other: (file) => writeFile(file, '{"format":1}'),
  };
  for (const [name, damage] of Object.entries(plans)) {
    const { run } = await random(`plan ${name}`);
    await damage(join(folder.path, records.plan(run).key));
    damaged.set(run, ['damaged', name === 'enormous' ? 'ARTIFACT_TOO_LARGE' : 'JOB_INVALID']);
  }
  const ended = await random('results');
  await records.results(ended.run).write('{"format":1');
  damaged.set(ended.run, ['damaged', 'JOB_INVALID']);
  const sweep = await plannedSweep();
  await records.searchRecord(sweep.run, 0).write('');
  damaged.set(sweep.run, ['damaged', 'JOB_INVALID']);
  const newer = await random('newer');
  await records.plan(newer.run).write({ ...newer, format: 99 });
  damaged.set(newer.run, ['newer', 'FORMAT_NEWER']);
});
after(async () => {
  await store?.close();
  await redis?.remove();
  await folder?.remove();
});

async function plannedSweep(): Promise<RunPlan> {
  const search = 'search: { trials: 2, space: { svm: { C: { log: [1, 100] } } } }';
  const spec = parseSpec(`version: 1\nname: sweep\nestimators: { svm: { kind: svm } }\n${search}\n`, 'sweep');
  const clips = ['a', 'b', 'a', 'b'].map((label, i) => ({ id: `c${i}`, label, group: 'g' }));
  const content = { name: 'sweep', contentHash: sha256('sweep'), grouped: false, classes: ['a', 'b'], clips };
  const splits = [{ repeat: 0, fold: 0, train: Int32Array.of(0, 1), test: Int32Array.of(2, 3) }];
  const plan = planRun({ spec, manifest: { format: 1, ...content }, splits });
  await new RunStore(store).runs.savePlan(plan);
  return plan;
}

function assertAllShown(runs: readonly RunStatus[]): void {
  const byRun = new Map(runs.map((status) => [status.run, status]));
  assert.equal(byRun.get(good.run)?.state, 'complete');
  for (const [run, [state, code]] of damaged) {
    const status = byRun.get(run);
    assert.deepEqual([status?.state, status?.damage?.code], [state, code], run);
    assert.ok(status?.damage?.hint, 'the damage has a hint');
  }
}

test('list and status show a run with a damaged record as damaged, and all others as usual', async () => {
  const environment = { CRYFOLD_STORE: storeUrl() };
  const { stdout, stderr, code } = await cryfold(['list', '--json'], environment);
  assert.equal(code, 0, stderr);
  assertAllShown(JSON.parse(stdout));
  const [[run]] = damaged;
  const status = await cryfold(['status', run], environment);
  assert.equal(status.code, 1);
  assert.match(status.stdout, /damaged +JOB_INVALID: runs\/.*plan\.json: not JSON\n {2}The record is damaged/);
  assert.equal((await cryfold(['status'], environment)).code, 0);
});

test('lists runs despite folders whose names are not run ids', async () => {
  const own = await temporaryFolder();
  const copied = openStore(`file:${own.path}`);
  try {
    const { run } = await writeRandomRun(copied, { clips: 30, repeats: 1, name: 'one' });
    const plan = await rawRecords(copied).plan(run).read();
    const strays = ['UPPER', '-x', 'a_b', `${run}.old`];
    for (const stray of strays) await copied.put(`runs/${stray}/plan.json`, plan);
    const environment = { CRYFOLD_STORE: `file:${own.path}` };
    assert.deepEqual(
      (await new StoreControl(new RunStore(copied)).list()).map((status) => status.run),
      [run],
    );
    const gc = await cryfold(['gc', '--older-than', '0', '--delete'], environment);
    assert.equal(gc.code, 1);
    for (const stray of strays) assert.ok(gc.stdout.includes(`runs/${stray}: not a run id`), gc.stdout);
  } finally {
    await copied.close();
    await own.remove();
  }
});

test('treats a folder in place of a record as a missing record', async () => {
  const { run } = await random('folder');
  await mkdir(join(folder.path, records.results(run).key));
  const status = await new StoreControl(new RunStore(store)).status(run);
  assert.deepEqual([status.state, status.done, status.total], ['stopped', 15, 15]);
  await rm(join(folder.path, records.results(run).key), { recursive: true });
  await aggregate(new RunStore(store), run);
});

test('retries a fold with a damaged failure record', async () => {
  const { run, jobs } = await writeRandomRun(store, { clips: 30, repeats: 1, name: 'failures', holes: 1 });
  await records.failure(run, jobs[0].key).write('{');
  const status = await new StoreControl(new RunStore(store)).status(run);
  assert.deepEqual([status.state, status.failed, status.failures], ['stopped', 0, []]);
  await aggregate(new RunStore(store), run);
});

test('gc deletes nothing while a record cannot be read, and reports the record', async () => {
  const own = await temporaryFolder();
  const kept = openStore(`file:${own.path}`);
  try {
    const one = await writeRandomRun(kept, { clips: 30, repeats: 1, name: 'one' });
    const two = await writeRandomRun(kept, { clips: 30, repeats: 1, name: 'two' });
    await kept.put('folds/orphan/0-a/probabilities.npy', new Uint8Array(8));
    const objects = async () => {
      let count = 0;
      for await (const _key of kept.list('')) count++;
      return count;
    };
    const gc = () => cryfold(['gc', '--older-than', '0', '--delete'], { CRYFOLD_STORE: `file:${own.path}` });
    const card = modelKeys.card('m', 'aaaaaaaaaaa1');
    const plan = rawRecords(kept).plan(two.run);
    const failure = rawRecords(kept).failure(two.run, two.jobs[0].key);
    const planBytes = await plan.read();
    const damages: [key: string, damage: () => Promise<void>, repair: () => Promise<void>][] = [
      [card, () => kept.put(card, new Uint8Array()), () => kept.delete(card)],
      [plan.key, () => plan.write(planBytes.subarray(0, 500)), () => plan.write(planBytes)],
      [
        plan.key,
        async () => {
          await failure.write('{}');
          await plan.delete();
        },
        async () => {
          await plan.write(planBytes);
          await failure.delete();
        },
      ],
    ];
    for (const [key, damage, repair] of damages) {
      await damage();
      const had = await objects();
      const { code, stdout } = await gc();
      assert.equal(code, 1, stdout);
      assert.ok(stdout.includes(`damaged  ${key}: `) && stdout.includes('nothing was deleted'), stdout);
      assert.equal(await objects(), had);
      await repair();
    }
    // With a damaged record, it is impossible to tell which attempt at the fold was committed.
    await rawRecords(kept).fold(one.jobs[0].key).write('{');
    const had = await objects();
    assert.equal((await gc()).code, 0);
    assert.equal(await objects(), had - 1, 'only the orphan was deleted');
  } finally {
    await kept.close();
    await own.remove();
  }
});

test('models list shows a model with a damaged record along with all others', async () => {
  await store.put(modelKeys.card('cards', 'aaaaaaaaaaa1'), bytes('{'));
  await store.put(modelKeys.card('promotions', 'aaaaaaaaaaa1'), bytes('{}'));
  await store.put(modelKeys.promotion('promotions', 1), new Uint8Array());
  const environment = { CRYFOLD_STORE: storeUrl() };
  const { code, stdout } = await cryfold(['models', 'list', '--json'], environment);
  assert.equal(code, 0, stdout);
  const { models } = JSON.parse(stdout);
  assert.deepEqual(
    models.map(({ name, damaged: found }: { name: string; damaged: { code: string }[] }) => [
      name,
      found.map((one) => one.code),
    ]),
    [
      ['cards', ['JOB_INVALID']],
      ['promotions', ['JOB_INVALID', 'JOB_INVALID']],
    ],
  );
  assert.match((await cryfold(['models', 'list'], environment)).stdout, /^cards +damaged +JOB_INVALID: /m);
});

test('the API and the live page list damaged runs along with the others', async () => {
  const server = await startApi({
    ...{ redisUrl: redis.url, storeUrl: storeUrl(), s3: undefined, checks: {}, log },
    api: { port: 0, host: '127.0.0.1', tokens: [], rate: 10_000 },
  });
  const stop = new AbortController();
  try {
    const ask = async (path: string) => {
      const response = await fetch(`${server.url}/api/v1/${path}`);
      assert.equal(response.status, 200, path);
      return response.json();
    };
    assertAllShown((await ask('runs')) as RunStatus[]);
    const { damaged: models } = (await ask('models')) as ListedModels;
    assert.deepEqual(
      models.map(({ name, code }) => [name, code]),
      [
        ['cards', 'JOB_INVALID'],
        ['promotions', 'JOB_INVALID'],
        ['promotions', 'JOB_INVALID'],
      ],
    );
    const { unfinished } = (await ask('cluster')) as { unfinished: RunStatus[] };
    assert.ok(unfinished.every(({ run }) => !damaged.has(run)));
    const [[run]] = damaged;
    assert.equal(((await ask(`runs/${run}`)) as RunStatus).state, 'damaged');
    const events = await fetch(`${server.url}/api/v1/events`, { signal: stop.signal });
    assert.equal(events.status, 200);
    let text = '';
    for await (const part of events.body as unknown as AsyncIterable<Uint8Array>) {
      text += new TextDecoder().decode(part);
      if (/event: snapshot\ndata: .*\n\n/.test(text)) break;
    }
    assertAllShown(JSON.parse(/event: snapshot\ndata: (.*)\n\n/.exec(text)?.[1] ?? '').runs);
    const watched = await fetch(`${server.url}/api/v1/events?run=${good.run}`, { signal: stop.signal });
    assert.equal(watched.status, 200, 'a damaged run does not affect the page of another run');
    await watched.body?.cancel();
  } finally {
    stop.abort();
    await server.close();
  }
});

test('fails a run with an unreadable plan once, continues other runs, and lets cancel remove it', async () => {
  const queues = new Queues(redis.url);
  const fine = await random('fine');
  const coordinator = await started(new Coordinator({ redisUrl: redis.url, store: new RunStore(store), log }));
  const aggregator = await started(new Aggregator({ redisUrl: redis.url, store: new RunStore(store), log }));
  try {
    await until('the undamaged run to finish', () => new RunStore(store).runs.hasResults(fine.run), 60);
    const runs = [...damaged].filter(([, [state]]) => state === 'damaged').map(([run]) => run);
    // A run with results has finished, even if the results are damaged.
    const ended = await Promise.all(runs.map((run) => new RunStore(store).runs.hasResults(run)));
    const expected = runs.filter((_run, i) => !ended[i]).sort();
    const failed = async () => [...(await queues.failures('runs', expected)).keys()];
    await until('the damaged ones to fail', async () => (await failed()).length === expected.length, 60);
    assert.deepEqual((await failed()).sort(), expected);
    const control = new StoreControl(new RunStore(store), queues);
    for (const run of expected) {
      const { state, damage } = await control.cancel(run);
      assert.deepEqual([state, damage?.code], ['cancelled', damaged.get(run)?.[1]]);
    }
    // Simulate a Redis that has lost its data. Cancelled runs are not processed, so they cannot fail again.
    for (const run of expected) await queues.remove('runs', run);
    await queues.add(
      'runs',
      expected.map((run) => ({ id: run, payload: { format: 1, kind: 'run', run } })),
    );
    await until('their jobs to be gone', async () => {
      const jobs = await Promise.all(expected.map((run) => queues.job('runs', run)));
      return jobs.every((job) => job === undefined);
    });
    assert.deepEqual(await failed(), []);
    const { stdout, code } = await cryfold(['cancel', expected[0]], { CRYFOLD_STORE: storeUrl() });
    assert.equal(code, 0);
    assert.match(stdout, /is cancelled, but its records cannot be read: /);
  } finally {
    await coordinator.stop(0);
    await aggregator.stop(0);
    await queues.close();
  }
});
