import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { RunState } from '../src/run-state.js';
import { planOf } from './scene.js';

const error = new CryfoldError('WAV_INVALID', 'truncated').toRecord();

test('counts folds by trial, and those that were found apart', () => {
  const plan = planOf('{ a: { kind: small-cnn }, b: { kind: svm } }');
  const state = new RunState(plan);
  const of = (trial: string) => plan.jobs.filter((job) => job.trial === trial);
  state.markDone(of('a')[0].key, true);
  state.markDone(of('a')[1].key, false);
  state.markFailed(of('b')[0].key, error);
  const { total, done, failed, found, trials, phase } = state.progress();
  assert.deepEqual({ total, done, failed, found, phase }, { total: 6, done: 2, failed: 1, found: 1, phase: 'folds' });
  assert.deepEqual(trials, { a: { total: 3, done: 2, failed: 0 }, b: { total: 3, done: 0, failed: 1 } });
  assert.equal(state.ended, 3);
  assert.equal(state.settled, false);
});

test('a fold ends once: what is done cannot fail afterwards, and what failed cannot be active', () => {
  const [job, other] = planOf('{ a: { kind: svm } }').jobs;
  const state = new RunState(planOf('{ a: { kind: svm } }'));
  state.markDone(job.key, false);
  state.markFailed(job.key, error);
  assert.deepEqual([state.stateOf(job.key), state.failure(job.key)], ['done', undefined]);
  state.markFailed(other.key, error);
  state.markActive(other.key, 0.5);
  assert.equal(state.stateOf(other.key), 'failed');
  assert.equal(state.failure(other.key)?.code, 'WAV_INVALID');
});

test('a fold is active until no worker holds it any more', () => {
  const plan = planOf('{ a: { kind: small-cnn } }');
  const state = new RunState(plan);
  const [job] = plan.jobs;
  state.markActive(job.key, 0.25);
  assert.deepEqual(
    state.progress().active.map(({ trial, fraction }) => [trial, fraction]),
    [['a', 0.25]],
  );
  state.keepActive(new Set([job.key]));
  assert.equal(state.stateOf(job.key), 'active');
  state.keepActive(new Set());
  assert.deepEqual([state.stateOf(job.key), state.progress().active], ['waiting', []]);
});

test('trials with equal parameters share their folds', () => {
  const plan = planOf('{ a: { kind: svm }, b: { kind: svm } }');
  const state = new RunState(plan);
  assert.equal(state.pending.length, 3);
  state.markDone(plan.jobs[0].key, false);
  const { total, done } = state.progress();
  assert.deepEqual([total, done], [6, 2]);
});

test('a new plan drops waiting folds that it no longer has, and keeps what is done', () => {
  const both = planOf('{ a: { kind: small-cnn }, b: { kind: svm } }');
  const state = new RunState(both);
  state.markDone(both.jobs[0].key, false);
  const less = { ...both, jobs: both.jobs.filter(({ trial }) => trial === 'a') };
  assert.deepEqual(
    state.replan(less).map(({ trial }) => trial),
    ['b', 'b', 'b'],
  );
  assert.equal(state.pending.length, 2);
  assert.equal(state.replan(both).length, 0);
  assert.equal(state.pending.length, 5);
});

test('a reason to wait is said until its fold trains or ends, or another fold is stored', () => {
  const plan = planOf('{ a: { kind: small-cnn } }');
  const [first, second, third] = plan.jobs;
  const state = new RunState(plan);
  const said = () => state.progress().waits;
  state.markWaiting(first.key, 'STORE_UNREACHABLE: away');
  state.markActive(first.key, 0);
  state.markActive(second.key, 0.5);
  assert.equal(said(), 'STORE_UNREACHABLE: away');
  state.markActive(first.key, 0.1);
  assert.equal(said(), undefined);
  state.markWaiting(second.key, 'full');
  state.markFailed(second.key, error);
  assert.equal(said(), undefined);
  state.markWaiting(third.key, 'full');
  state.markDone(first.key, false);
  assert.equal(said(), undefined);
});
