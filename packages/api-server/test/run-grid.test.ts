import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CryfoldError, FORMATS } from '@cryfold/core';
import { StoreControl } from '@cryfold/run-control';
import { openStore, RunStore } from '@cryfold/store';
import { RunGrid } from '../src/run-grid.js';
import { RunList } from '../src/run-list.js';
import { saveSmallRun } from './small-run.js';

/** A stored run of three folds, and the list of runs of a server without queues. */
async function scene(t: TestContext, metric?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-grid-'));
  t.after(() => rm(folder, { recursive: true }));

  const store = new RunStore(openStore(`file:${folder}`));
  const plan = await saveSmallRun(store, metric && `metric: ${metric}`);
  const control = new StoreControl(store);
  const list = new RunList(control);
  /** Commits a fold whose predictions are all correct. */
  const commit = async (i: number) => {
    const { key, split } = plan.jobs[i];
    const { test } = plan.splits[split];
    const data = Float64Array.from(test.flatMap((clip) => (clip % 2 === 0 ? [1, 0] : [0, 1])));
    const probabilities = await store.folds.saveMatrix(key, '0-a', 'p.npy', { data, rows: test.length, columns: 2 });
    const record = { format: 1 as const, key, attempt: '0-a', curve: [], seconds: 2, environment: {}, probabilities };
    await store.folds.commit(record);
  };
  const cells = (grid: RunGrid) => {
    let data = '';
    grid.feed.listen(undefined, (event) => {
      data = event.data;
    });
    return JSON.parse(data).cells;
  };
  return { store, plan, list, commit, cells };
}

test('reads the results and failures of folds, and publishes later changes', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
  const { store, plan, list, commit, cells } = await scene(t);
  await commit(0);
  const error = new CryfoldError('WAV_INVALID', 'truncated').toRecord();
  await store.runs.saveFailure(plan.run, { format: FORMATS.failure, key: plan.jobs[1].key, trial: 'svm', error });
  const grid = await RunGrid.open(list, plan.run);
  assert.deepEqual(cells(grid), [
    [2, 1, 1, 2],
    [3, 0, null, null],
    [0, 0, null, null],
  ]);
  const received: { event: string; data: string }[] = [];
  grid.feed.listen(undefined, (event) => received.push(event));
  received.splice(0);
  await grid.refresh();
  assert.equal(received.length, 0, 'nothing has changed');
  await commit(2);
  t.mock.timers.tick(60_000);
  await grid.refresh();
  assert.equal(received.length, 1);
  assert.deepEqual(JSON.parse(received[0].data).cells, [[2, 2, 1, 1, 2]]);
});

test('shows the scores of folds in the metric of the run', async (t) => {
  const { plan, list, commit, cells } = await scene(t, 'logLoss');
  await commit(0);
  const [[, , value]] = cells(await RunGrid.open(list, plan.run));
  assert.ok(Math.abs(value) < 1e-9, `correct and certain, so a log-loss of 0, not an accuracy of 1: ${value}`);
});

test('warns about sounds in both train and test if sounds were compared', async (t) => {
  const { store, plan, list } = await scene(t);
  const manifest = await store.datasets.manifest(plan.dataset.key);
  await store.datasets.saveManifest({ ...manifest, format: 2, groupSource: { kind: 'column', name: 'group' } });
  const warningOf = async () => {
    const texts: string[] = [];
    (await RunGrid.open(list, plan.run)).feed.listen(undefined, ({ data }) => texts.push(data));
    return JSON.parse(texts[0]).warning;
  };
  assert.equal(await warningOf(), null);
  const [{ test: tested, train }] = plan.splits;
  await store.datasets.saveSharedSounds(plan.dataset.key, [[tested[0], train[0]]]);
  assert.equal(await warningOf(), '1 sound is in both train and test: these figures are inflated.');
});

test('warns that groups are unknown', async (t) => {
  const { store, plan, list } = await scene(t);
  const manifest = await store.datasets.manifest(plan.dataset.key);
  await store.datasets.saveManifest({ ...manifest, format: 2, groupSource: { kind: 'none' } });
  const texts: string[] = [];
  (await RunGrid.open(list, plan.run)).feed.listen(undefined, ({ data }) => texts.push(data));
  assert.match(JSON.parse(texts[0]).warning, /^Groups are not known: /);
});

test('rereads results after a store failure', async (t) => {
  const { store, plan, list, commit, cells } = await scene(t);
  await commit(0);
  const grid = await RunGrid.open(list, plan.run);
  await commit(1);
  const result = store.folds.result.bind(store.folds);
  store.folds.result = async () => {
    throw new CryfoldError('STORE_UNREACHABLE', 'away');
  };
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 });
  await assert.rejects(grid.refresh());
  store.folds.result = result;
  await grid.refresh();
  assert.deepEqual(cells(grid)[1], [2, 1, 1, 2]);
});

test('shows a fold with an unreadable result without an accuracy, and all other folds as usual', async (t) => {
  const { store, plan, list, commit, cells } = await scene(t);
  await store.artifacts.put(`folds/${plan.jobs[0].key}/result.json`, new TextEncoder().encode('{'));
  await commit(1);
  const grid = await RunGrid.open(list, plan.run);
  assert.deepEqual(cells(grid).slice(0, 2), [
    [2, 1, null, null],
    [2, 1, 1, 2],
  ]);
});
