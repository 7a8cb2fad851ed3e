import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import type { RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { RunAttempt } from '../src/run-attempt.js';
import type { RunProgress } from '../src/run-progress.js';
import { SearchDriver } from '../src/search-driver.js';
import { commit, planOf, reason, scene } from './scene.js';

const NETWORK = '{ a: { kind: small-cnn } }';

async function attempted(t: TestContext, plan: RunPlan, signal = new AbortController().signal) {
  const parts = await scene(t, plan);
  const search = SearchDriver.of(parts.store, await parts.store.runs.plan(plan.run));
  const published: RunProgress[] = [];
  const progress = async (data: object) => void published.push(data as RunProgress);
  const intervalsMs = { reconcile: 0, cancelled: 0 };
  const run = new RunAttempt({ ...parts, search, attempt: { signal, progress }, intervalsMs });
  await parts.driver.begin();
  return { ...parts, search, published, run };
}

async function commitAll(store: RunStore, plan: RunPlan): Promise<void> {
  for (const { key, split } of plan.jobs) {
    await commit(
      store,
      key,
      plan.splits[split].test.flatMap((clip) => (clip % 2 === 0 ? [1, 0] : [0, 1])),
    );
  }
}

/** Placeholder for the results of the aggregator, which are not read here. */
const endRun = (store: RunStore, run: string) => store.runs.saveResults(run, {} as RunResults, new Uint8Array());

test('requests results once all folds have ended, and finishes once the results exist', async (t) => {
  const plan = planOf(NETWORK);
  const { store, queues, folds, run } = await attempted(t, plan);
  assert.equal(await run.finish(), false);
  assert.equal(queues.jobs('aggregate').size, 0, 'folds are missing');
  await commitAll(store, plan);
  queues.jobs('gpu').clear();
  await run.reconcile();
  assert.equal(folds.settled, true);
  assert.equal(await run.finish(), false);
  assert.deepEqual([...queues.jobs('aggregate').keys()], [plan.run]);
  assert.equal(folds.phase, 'aggregate');
  await endRun(store, plan.run);
  assert.equal(await run.finish(), true);
});

test('fails with the reason if the results cannot be computed, and reports whether folds are missing again', async (t) => {
  for (const [code, repaired] of [
    ['ARTIFACT_CORRUPT', true],
    ['PROBABILITIES_INVALID', false],
  ] as const) {
    const plan = planOf(NETWORK);
    const { store, queues, run } = await attempted(t, plan);
    await commitAll(store, plan);
    queues.jobs('gpu').clear();
    await run.reconcile();
    queues.fail('aggregate', plan.run, reason(code));
    await assert.rejects(run.finish(), (error) => {
      return error instanceof CryfoldError && error.code === 'RUN_FAILED' && error.context.repaired === repaired;
    });
    assert.equal(queues.failed.size, 0, 'the next attempt may retry');
  }
});

test('ends a cancelled run, and removes its waiting jobs', async (t) => {
  const plan = planOf(NETWORK);
  const { store, queues, run } = await attempted(t, plan);
  assert.equal(await run.cancel(), false);
  await store.runs.cancel(plan.run);
  assert.equal(await run.run(), 'cancelled');
  assert.equal(queues.jobs('gpu').size, 0);
});

test('publishes progress only if it changed', async (t) => {
  const plan = planOf(NETWORK);
  const { folds, published, run } = await attempted(t, plan);
  await run.publish();
  await run.publish();
  assert.equal(published.length, 1);
  folds.markActive(plan.jobs[0].key, 0.5);
  await run.publish();
  assert.deepEqual(
    published.map(({ active }) => active.length),
    [0, 1],
  );
});

test('a run attempt ends with an error if the coordinator stops', async (t) => {
  const { run } = await attempted(t, planOf(NETWORK), AbortSignal.abort());
  await assert.rejects(run.run(), (error) => error instanceof CryfoldError && error.code === 'CANCELLED');
});

test('executes a run to its end while others commit folds and write results', async (t) => {
  const plan = planOf(NETWORK);
  const { store, queues, published, run } = await attempted(t, plan);
  const add = queues.add.bind(queues);
  queues.add = async (queue, jobs) => {
    await add(queue, jobs);
    if (queue === 'aggregate') await endRun(store, plan.run);
  };
  const ended = run.run();
  await commitAll(store, plan);
  queues.jobs('gpu').clear();
  assert.equal(await ended, 'finished');
  assert.equal(published.at(-1)?.done, 3);
});

test('extends the plan of a sweep, and accepts an earlier decision of another coordinator', async (t) => {
  const search = 'search: { trials: 2, space: { s: { C: { log: [1, 100] } } } }\n';
  const plan = planOf('{ s: { kind: svm } }', search);
  const first = await attempted(t, plan);
  const other = SearchDriver.of(first.store, await first.store.runs.plan(plan.run)) ?? assert.fail();
  const before = first.folds.plan.jobs.length;
  await first.run.sweep();
  const grown = first.folds.plan.jobs.length;
  assert.ok(grown > before, `${before} folds, then ${grown}`);
  assert.equal(await other.step(first.folds), true);
  assert.deepEqual(other.plan.jobs, first.folds.plan.jobs);
  assert.equal(await other.step(first.folds), false, 'nothing new to decide on');
});

test('finds the best trial so far among the trials with the most folds, ignoring a lucky one with few', async (t) => {
  const search = 'search: { trials: 2, metric: macroF1, space: { s: { C: { log: [1, 100] } } } }\n';
  const plan = planOf('{ s: { kind: svm } }', search);
  const { store, folds, run } = await attempted(t, plan);
  const driver = SearchDriver.of(store, await store.runs.plan(plan.run)) ?? assert.fail();
  await run.sweep();
  await driver.step(folds);
  const done = async (trial: string, split: number, isRight: (row: number) => boolean) => {
    const { key } = folds.plan.jobs.find((job) => job.trial === trial && job.split === split) ?? assert.fail();
    const rows = plan.splits[split].test.flatMap((clip, row) => (isRight(row) === (clip % 2 === 0) ? [1, 0] : [0, 1]));
    await commit(store, key, rows);
    folds.markDone(key, false);
  };
  await done('s-001', 0, () => true);
  await done('s-002', 0, (row) => row === 0);
  await done('s-002', 1, (row) => row === 0);
  await driver.step(folds);
  const { best, metric } = driver.progress();
  assert.deepEqual([best?.trial, best?.folds, metric], ['s-002', 2, 'macroF1']);
  assert.ok(best && best.mean > 0 && best.mean < 1);
});

test('removes a result with missing data in a sweep, so that its fold is retrained', async (t) => {
  const search = 'search: { trials: 2, space: { s: { C: { log: [1, 100] } } } }\n';
  const { store, folds, run } = await attempted(t, planOf('{ s: { kind: svm } }', search));
  await run.sweep();
  const [{ key }] = folds.pending;
  const { probabilities } = await commit(store, key, [1, 0, 0, 1]);
  await store.artifacts.delete(probabilities.key);
  folds.markDone(key, false);
  await assert.rejects(run.sweep(), (error) => {
    return error instanceof CryfoldError && error.code === 'ARTIFACT_MISSING' && error.context.repaired === true;
  });
  assert.equal(await store.folds.has(key), false);
});
