import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Queues } from '@cryfold/queue';
import { type RunStatus, StoreControl } from '@cryfold/run-control';
import { openStore, RunStore } from '@cryfold/store';
import { rawRecords } from '@cryfold/store/testing';
import { RunList } from '../src/run-list.js';
import { saveSmallRun } from './small-run.js';

type Job = Awaited<ReturnType<Queues['job']>>;

/**
 * A stored run, the list that contains it, and the number of look-ups so far. Setting `state` changes the state that
 * look-ups return.
 */
async function scene(t: TestContext, job?: () => Job) {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-list-'));
  t.after(() => rm(folder, { recursive: true }));
  const store = new RunStore(openStore(`file:${folder}`));
  const { run } = await saveSmallRun(store);
  const control = new StoreControl(store);
  const found: { state?: RunStatus['state']; asked: number } = { asked: 0 };
  const status = control.status.bind(control);
  control.status = async (wanted) => {
    found.asked++;
    return { ...(await status(wanted)), ...(found.state ? { state: found.state } : {}) };
  };
  // The list asks the queues only for the job of the run, so no Redis is needed here.
  if (job) Object.defineProperty(control, 'queues', { value: { job: async () => job() } });
  const remove = () => rawRecords(store.artifacts).plan(run).delete();
  return { list: new RunList(control), run, found, remove };
}

test('caches the list of runs for a second, and refreshes it after a change', async (t) => {
  const { list, run, found } = await scene(t);
  const [[one], same] = await Promise.all([list.runs(), list.runs()]);
  assert.deepEqual([one.run, one.state, found.asked], [run, 'stopped', 1]);
  assert.deepEqual(same, [one]);
  list.changed(one);
  await list.runs();
  assert.equal(found.asked, 2);
  t.mock.timers.tick(1000);
  await list.runs();
  assert.equal(found.asked, 3);
});

test('retries a failed lookup of a run at the next request', async (t) => {
  const { list, run, found } = await scene(t);
  const { ids } = list.store.runs;
  list.store.runs.ids = async () => {
    throw new Error('away');
  };
  await assert.rejects(list.runs(), /away/);
  list.store.runs.ids = ids;
  assert.deepEqual([(await list.runs()).map((status) => status.run), found.asked], [[run], 1]);
});

test('looks up a complete run only once, until it changes or is deleted', async (t) => {
  const { list, run, found, remove } = await scene(t);
  found.state = 'complete';
  const status = await list.statusOf(run);
  t.mock.timers.tick(60_000);
  assert.equal(await list.statusOf(run), status);
  assert.deepEqual([await list.briefOf(run), await list.runs()], [status, [status]]);
  assert.equal(found.asked, 1);
  list.changed(status);
  await list.statusOf(run);
  assert.equal(found.asked, 2);
  await remove();
  await assert.rejects(list.statusOf(run), { code: 'RUN_NOT_FOUND' });
  assert.deepEqual(await list.runs(), []);
});

test('omits a run that is deleted while listing', async (t) => {
  const { list, remove, run } = await scene(t);
  list.store.runs.ids = async () => {
    await remove();
    return [run];
  };
  assert.deepEqual(await list.runs(), []);
});

test('refreshes the brief status of an inactive run every ten seconds', async (t) => {
  const { list, run, found } = await scene(t);
  const brief = await list.briefOf(run);
  assert.deepEqual([brief.state, brief.failures], ['stopped', []]);
  t.mock.timers.tick(9999);
  assert.equal(await list.briefOf(run), brief);
  assert.equal(found.asked, 1);
  t.mock.timers.tick(1);
  await list.brief();
  assert.equal(found.asked, 2);
});

test('updates the brief status of an active run with the progress from its coordinator', async (t) => {
  let done = 0;
  const progress = () => ({ total: 3, done, failed: 0, trials: {}, active: [], etaSeconds: 7 });
  const { list, run, found } = await scene(t, () => ({ state: 'active', progress: progress() }) as unknown as Job);
  found.state = 'running';
  await list.briefOf(run);
  done = 2;
  t.mock.timers.tick(60_000);
  const { done: shown, etaSeconds } = await list.briefOf(run);
  assert.deepEqual([shown, etaSeconds, found.asked], [2, 7, 1]);
});
