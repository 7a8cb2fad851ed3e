import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executionOrder } from '../src/fold-order.js';
import { planOf } from './scene.js';

const NETWORKS = '{ short: { kind: small-cnn }, long: { kind: tl-resnet50 } }';

/** Returns the time at which the slower of two workers finishes if each takes the next fold as soon as it is free. */
function makespan(trials: readonly string[], seconds: Readonly<Record<string, number>>): number {
  const free = [0, 0];
  for (const trial of trials) free[free[0] <= free[1] ? 0 : 1] += seconds[trial];
  return Math.max(...free);
}

test('trains the longest folds of a repeat first, and equally long folds in the order of their splits', () => {
  const plan = planOf(NETWORKS);
  const order = executionOrder(plan);
  assert.deepEqual(
    order.map(({ trial, split }) => `${trial} ${split}`),
    ['long 0', 'long 1', 'long 2', 'short 0', 'short 1', 'short 2'],
  );
  const seconds = { short: 13, long: 49 };
  const idle = makespan(
    plan.jobs.map(({ trial }) => trial),
    seconds,
  );
  assert.ok(
    makespan(
      order.map(({ trial }) => trial),
      seconds,
    ) <
      idle - 10,
    `${idle} s in the order of the plan`,
  );
});

test('finishes a repeat before the next one', () => {
  const plan = planOf(NETWORKS);
  const repeats = { ...plan, splits: plan.splits.map((split, i) => ({ ...split, repeat: i })) };
  assert.deepEqual(
    executionOrder(repeats).map(({ trial, split }) => `${trial} ${split}`),
    ['long 0', 'short 0', 'long 1', 'short 1', 'long 2', 'short 2'],
  );
});

test('starts a program whose duration is unknown before all other folds', () => {
  const own = `{ kind: command, run: [./train], files: { train: ${'a'.repeat(64)} } }`;
  const plan = planOf(`{ long: { kind: tl-resnet50 }, own: ${own} }`);
  assert.deepEqual(
    executionOrder(plan).map(({ trial }) => trial),
    ['own', 'own', 'own', 'long', 'long', 'long'],
  );
});

test('keeps the folds of a sweep in the order of its plan, and does not modify the plan', () => {
  const plan = planOf(NETWORKS, 'search: { trials: 2, space: { long: { learningRate: { log: [1e-4, 1e-3] } } } }');
  const more = { ...planOf(NETWORKS), spec: plan.spec };
  assert.deepEqual(executionOrder(more), more.jobs);
  const before = planOf(NETWORKS);
  const jobs = structuredClone(before.jobs);
  executionOrder(before);
  assert.deepEqual(before.jobs, jobs);
});
