import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, FORMATS } from '@cryfold/core';
import { prerequisiteOf } from '@cryfold/plan';
import { commit, planOf, reason, scene } from './scene.js';

const NETWORK = '{ a: { kind: small-cnn } }';

test('enqueues exactly the folds without a result or recorded failure', async (t) => {
  const plan = planOf(NETWORK);
  const { store, folds, queues, driver } = await scene(t, plan);
  const [done, failed, missing] = plan.jobs;
  await commit(store, done.key, [1, 0, 0, 1]);
  const error = new CryfoldError('WAV_INVALID', 'truncated').toRecord();
  await store.runs.saveFailure(plan.run, { format: FORMATS.failure, key: failed.key, trial: 'a', error });
  await driver.begin();
  assert.deepEqual([...queues.jobs('gpu').keys()], [missing.key]);
  assert.deepEqual(
    plan.jobs.map(({ key }) => folds.phaseOf(key)),
    ['done', 'failed', 'waiting'],
  );
  assert.equal(folds.progress().found, 1);
});

test('a reconciliation re-enqueues lost jobs, and finds results that no event reported', async (t) => {
  const plan = planOf(NETWORK);
  const { store, folds, queues, driver } = await scene(t, plan);
  await driver.begin();
  assert.equal(queues.jobs('gpu').size, 3);
  queues.jobs('gpu').clear();
  await commit(store, plan.jobs[0].key, [1, 0, 0, 1]);
  await driver.reconcile();
  assert.equal(folds.phaseOf(plan.jobs[0].key), 'done');
  assert.equal(folds.progress().found, 0, 'the result did not exist before the run');
  assert.deepEqual(
    [...queues.jobs('gpu').keys()],
    plan.jobs.slice(1).map(({ key }) => key),
  );
});

test('treats a completed job without a result as missing', async (t) => {
  const plan = planOf(NETWORK);
  const { store, folds, driver } = await scene(t, plan);
  const [{ key }] = plan.jobs;
  await driver.onCompleted(key);
  assert.equal(folds.phaseOf(key), 'waiting');
  await commit(store, key, [1, 0, 0, 1]);
  await driver.onCompleted(key);
  assert.equal(folds.phaseOf(key), 'done');
});

test('fails the waiting folds of a trial with damaged features, but not the fold that is training', async (t) => {
  const plan = planOf(NETWORK);
  const { store, folds, queues, driver } = await scene(t, plan);
  await driver.begin();
  const [first, second, third] = plan.jobs.map(({ key }) => key);
  queues.active.add(second);
  queues.fail('gpu', first, reason('ARTIFACT_CORRUPT'));
  await driver.reconcile();
  assert.deepEqual(
    [first, second, third].map((key) => folds.phaseOf(key)),
    ['failed', 'waiting', 'failed'],
  );
  assert.match((await store.runs.failure(plan.run, third))?.error.message ?? '', /^skipped because repeat 0 fold 0/);
  assert.equal(await store.runs.failure(plan.run, second), undefined);
});

test('fails only one fold after a crash or an input error in its split', async (t) => {
  for (const code of ['CHILD_DIED', 'SVM_ONE_CLASS', 'NN_LOSS_NOT_FINITE', 'FOLD_ONE_CLASS'] as const) {
    const plan = planOf(NETWORK);
    const { folds, queues, driver } = await scene(t, plan);
    await driver.begin();
    await driver.onFailed(plan.jobs[0].key, reason(code));
    assert.deepEqual(
      plan.jobs.map(({ key }) => folds.phaseOf(key)),
      ['failed', 'waiting', 'waiting'],
      code,
    );
    assert.equal(queues.jobs('gpu').size, 3, 'the other jobs stay');
  }
});

test('computes prerequisites once, before any fold', async (t) => {
  const plan = planOf('{ s: { kind: svm }, r: { kind: svm, C: 10 } }');
  const needed = prerequisiteOf(plan, 's') ?? assert.fail();
  const { store, queues, driver } = await scene(t, plan);
  await driver.begin();
  assert.deepEqual([...queues.jobs('cpu').keys()], [needed.id]);
  await store.artifacts.put(needed.artifact, new Uint8Array([1]));
  queues.jobs('cpu').clear();
  await driver.onCompleted(needed.id);
  assert.equal(queues.jobs('cpu').size, 6);
});

test('fails all folds if their prerequisite cannot be computed', async (t) => {
  const plan = planOf('{ s: { kind: svm } }');
  const needed = prerequisiteOf(plan, 's') ?? assert.fail();
  const { folds, queues, driver } = await scene(t, plan);
  await driver.begin();
  queues.fail('cpu', needed.id, reason('SVM_NOT_FINITE'));
  await driver.reconcile();
  assert.equal(folds.settled, true);
  assert.equal(folds.progress().failed, 3);
});

test('removes waiting jobs of a cancelled run, but not running ones', async (t) => {
  const plan = planOf(NETWORK);
  const { queues, driver } = await scene(t, plan);
  await driver.begin();
  queues.active.add(plan.jobs[1].key);
  await driver.cancel();
  assert.deepEqual([...queues.jobs('gpu').keys()], [plan.jobs[1].key]);
});

test('removes the jobs of folds that a new plan drops, and enqueues new ones', async (t) => {
  const both = planOf('{ a: { kind: small-cnn }, b: { kind: small-cnn, epochs: 2 } }');
  const only = (trial: string) => ({ ...both, jobs: both.jobs.filter((job) => job.trial === trial) });
  const { queues, driver, folds } = await scene(t, both);
  folds.replan(only('a'));
  await driver.begin();
  await driver.replan(only('b'));
  assert.deepEqual(
    [...queues.jobs('gpu').keys()],
    only('b').jobs.map(({ key }) => key),
  );
});

test('enqueues at most maxParallel folds, and the next one when a fold ends', async (t) => {
  const plan = planOf(NETWORK, 'maxParallel: 2');
  const { store, queues, driver } = await scene(t, plan);
  await driver.begin();
  const waiting = () => [...queues.jobs('gpu').keys()];
  const [first, second, third] = plan.jobs.map(({ key }) => key);
  assert.deepEqual(waiting(), [first, second]);
  await commit(store, first, [1, 0, 0, 1]);
  queues.jobs('gpu').delete(first);
  await driver.onCompleted(first);
  assert.deepEqual(waiting(), [second, third]);
});

test('does not re-enqueue a fold that an event enqueued and that ends during a reconciliation', async (t) => {
  const plan = planOf(NETWORK, 'maxParallel: 1');
  const { store, queues, driver } = await scene(t, plan);
  await driver.begin();
  const [first, second] = plan.jobs.map(({ key }) => key);
  const end = async (key: string) => {
    await commit(store, key, [1, 0, 0, 1]);
    queues.jobs('gpu').delete(key);
  };
  // When `giveBacks` is called, the reconciliation has already read the queues and the results.
  t.mock.method(queues, 'giveBacks', async () => {
    await end(first);
    await driver.onCompleted(first);
    assert.deepEqual([...queues.jobs('gpu').keys()], [second]);
    await end(second);
    return new Map();
  });
  await driver.reconcile();
  assert.ok(!queues.jobs('gpu').has(second), 'it would be trained twice');
});

test('removes waiting jobs and lets training folds finish when paused, and continues when resumed', async (t) => {
  const plan = planOf(NETWORK);
  const { store, folds, queues, driver } = await scene(t, plan);
  await driver.begin();
  const [first] = plan.jobs.map(({ key }) => key);
  queues.active.add(first);
  await driver.schedule({ priority: 'normal', paused: true });
  assert.deepEqual([...queues.jobs('gpu').keys()], [first]);
  await commit(store, first, [1, 0, 0, 1]);
  queues.jobs('gpu').delete(first);
  await driver.onCompleted(first);
  await driver.reconcile();
  assert.equal(queues.jobs('gpu').size, 0);
  assert.equal(folds.settled, false);
  await driver.schedule({ priority: 'normal', paused: false });
  assert.equal(queues.jobs('gpu').size, 2);
});

test('keeps a run paused if it was paused before its coordinator started', async (t) => {
  const plan = planOf('{ s: { kind: svm } }');
  const { store, queues, driver } = await scene(t, plan);
  await store.runs.saveScheduling(plan.run, { priority: 'high', paused: true });
  await driver.begin();
  assert.equal(queues.jobs('cpu').size, 0, 'prerequisites are not computed either');
});

test('lists the folds that workers returned, most often returned first, until the run ends', async (t) => {
  const plan = planOf(NETWORK);
  const { store, folds, queues, driver } = await scene(t, plan);
  await driver.begin();
  const [first, second, third] = plan.jobs.map(({ key }) => key);
  queues.givenBack.set(first, 1).set(second, 4).set('of-another-run', 9);
  await driver.reconcile();
  const givenBack = () => folds.progress().givenBack.map(({ trial, fold, times }) => [trial, fold, times]);
  assert.deepEqual(givenBack(), [
    ['a', 1, 4],
    ['a', 0, 1],
  ]);
  await commit(store, second, [1, 0, 0, 1]);
  await driver.onCompleted(second);
  assert.deepEqual(givenBack(), [['a', 0, 1]]);
  for (const key of [first, third]) {
    await commit(store, key, [1, 0, 0, 1]);
    await driver.onCompleted(key);
  }
  await driver.forgetFailures();
  assert.deepEqual([...queues.givenBack.keys()], ['of-another-run']);
});

test('cancelling a run keeps the give-back counts of its unfinished folds for other runs', async (t) => {
  const plan = planOf(NETWORK);
  const { store, queues, driver } = await scene(t, plan);
  await driver.begin();
  const [first, second] = plan.jobs.map(({ key }) => key);
  queues.givenBack.set(first, 2).set(second, 4);
  await commit(store, first, [1, 0, 0, 1]);
  await driver.onCompleted(first);
  await driver.cancel();
  assert.deepEqual([...queues.givenBack.keys()], [second]);
});

test('cancelling a run keeps the give-back counts of prerequisites that its unfinished folds need', async (t) => {
  const plan = planOf('{ s: { kind: svm } }');
  const needed = prerequisiteOf(plan, 's') ?? assert.fail();
  const { store, queues, driver } = await scene(t, plan);
  await driver.begin();
  queues.givenBack.set(needed.id, 2);
  await driver.cancel();
  assert.deepEqual([...queues.givenBack.keys()], [needed.id]);
  for (const { key } of plan.jobs) {
    await commit(store, key, [1, 0, 0, 1]);
    await driver.onCompleted(key);
  }
  await driver.forgetFailures();
  assert.equal(queues.givenBack.size, 0, 'it is no longer needed');
});
