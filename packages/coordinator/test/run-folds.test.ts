import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { RunFolds } from '../src/run-folds.js';
import { planOf } from './scene.js';

const error = new CryfoldError('WAV_INVALID', 'truncated').toRecord();

test('counts folds by trial, and separately counts folds whose results already existed', () => {
  const plan = planOf('{ a: { kind: small-cnn }, b: { kind: svm } }');
  const folds = new RunFolds(plan);
  const of = (trial: string) => plan.jobs.filter((job) => job.trial === trial);
  folds.markDone(of('a')[0].key, true);
  folds.markDone(of('a')[1].key, false);
  folds.markFailed(of('b')[0].key, error);
  const { total, done, failed, found, trials, phase } = folds.progress();
  assert.deepEqual({ total, done, failed, found, phase }, { total: 6, done: 2, failed: 1, found: 1, phase: 'folds' });
  assert.deepEqual(trials, { a: { total: 3, done: 2, failed: 0 }, b: { total: 3, done: 0, failed: 1 } });
  assert.equal(folds.ended, 3);
  assert.equal(folds.settled, false);
});

test('ends a fold only once: a done fold cannot fail, and a failed fold cannot become active', () => {
  const [job, other] = planOf('{ a: { kind: svm } }').jobs;
  const folds = new RunFolds(planOf('{ a: { kind: svm } }'));
  folds.markDone(job.key, false);
  folds.markFailed(job.key, error);
  assert.deepEqual([folds.phaseOf(job.key), folds.failure(job.key)], ['done', undefined]);
  folds.markFailed(other.key, error);
  folds.markActive(other.key, 0.5);
  assert.equal(folds.phaseOf(other.key), 'failed');
  assert.equal(folds.failure(other.key)?.code, 'WAV_INVALID');
});

test('counts a fold as active until no worker is executing it', () => {
  const plan = planOf('{ a: { kind: small-cnn } }');
  const folds = new RunFolds(plan);
  const [job] = plan.jobs;
  folds.markActive(job.key, 0.25);
  assert.deepEqual(
    folds.progress().active.map(({ trial, fraction }) => [trial, fraction]),
    [['a', 0.25]],
  );
  folds.keepActive(new Set([job.key]));
  assert.equal(folds.phaseOf(job.key), 'active');
  folds.keepActive(new Set());
  assert.deepEqual([folds.phaseOf(job.key), folds.progress().active], ['waiting', []]);
});

test('shares folds between trials with equal parameters', () => {
  const plan = planOf('{ a: { kind: svm }, b: { kind: svm } }');
  const folds = new RunFolds(plan);
  assert.equal(folds.pending.length, 3);
  folds.markDone(plan.jobs[0].key, false);
  const { total, done } = folds.progress();
  assert.deepEqual([total, done], [6, 2]);
});

test('drops waiting folds that a new plan does not contain, and keeps finished ones', () => {
  const both = planOf('{ a: { kind: small-cnn }, b: { kind: svm } }');
  const folds = new RunFolds(both);
  folds.markDone(both.jobs[0].key, false);
  const less = { ...both, jobs: both.jobs.filter(({ trial }) => trial === 'a') };
  assert.deepEqual(
    folds.replan(less).map(({ trial }) => trial),
    ['b', 'b', 'b'],
  );
  assert.equal(folds.pending.length, 2);
  assert.equal(folds.replan(both).length, 0);
  assert.equal(folds.pending.length, 5);
});

test('reports why a run is waiting, but only until the waiting fold trains or ends, or another fold is stored', () => {
  const plan = planOf('{ a: { kind: small-cnn } }');
  const [first, second, third] = plan.jobs;
  const folds = new RunFolds(plan);
  const waits = () => folds.progress().waits;
  folds.markWaiting(first.key, 'STORE_UNREACHABLE: away');
  folds.markActive(first.key, 0);
  folds.markActive(second.key, 0.5);
  assert.equal(waits(), 'STORE_UNREACHABLE: away');
  folds.markActive(first.key, 0.1);
  assert.equal(waits(), undefined);
  folds.markWaiting(second.key, 'full');
  folds.markFailed(second.key, error);
  assert.equal(waits(), undefined);
  folds.markWaiting(third.key, 'full');
  folds.markDone(first.key, false);
  assert.equal(waits(), undefined);
});
