import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import type { TrialRow } from '@cryfold/evaluation';
import { parameterImportance } from '../src/index.js';

type Parameters = Record<string, unknown>;

function row(
  number: number,
  parameters: Parameters,
  mean: number | null,
  state: TrialRow['state'] = 'COMPLETE',
): TrialRow {
  const trial = `svm-${String(number + 1).padStart(3, '0')}`;
  const figures = { folds: 5, planned: 5, mean, standardDeviation: null, low: null, high: null };
  return { trial, base: 'svm', state, reason: '', parameters, ...figures };
}

/** Trials with independent uniform parameters a, b and c, and the choice d. */
function trials(count: number, seed: number, score: (of: { a: number; b: number; c: number; d: string }) => number) {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const [a, b, c] = [random.uniform(), random.uniform(), random.uniform()];
    const parameters = { a, b, c, d: 'xyz'[Math.floor(3 * random.uniform())] };
    return row(i, parameters, score(parameters));
  });
}
const shares = (rows: TrialRow[]) =>
  Object.fromEntries(parameterImportance(rows).map(({ name, share }) => [name, share]));
const near = (actual: number | null, expected: number, by: number) =>
  assert.ok(actual !== null && Math.abs(actual - expected) <= by, `${actual}, not ${expected}`);

test('parameters of an additive function get their shares of its variance, and one without effect gets almost none', () => {
  // The variances of 3a, b and 0c are 9/12, 1/12 and 0.
  const found = shares(trials(600, 1, ({ a, b }) => 3 * a + b));
  near(found.a, 0.9, 0.04);
  near(found.b, 0.1, 0.04);
  near(found.c, 0, 0.02);
  near(found.d, 0, 0.02);
  assert.deepEqual(parameterImportance(trials(600, 1, ({ a, b }) => 3 * a + b))[0].name, 'a');
});

test('a categorical parameter gets its share, and a peak inside a range counts as an effect', () => {
  const found = shares(trials(600, 2, ({ d }) => 'xyz'.indexOf(d)));
  near(found.d, 1, 0.001);
  near(shares(trials(600, 3, ({ a }) => -((a - 0.5) ** 2))).a, 1, 0.1);
});

test('few trials do not make a parameter without effect look important', () => {
  const found = Array.from({ length: 200 }, (_, seed) => shares(trials(20, seed, ({ a }) => a)).c ?? Number.NaN);
  // Without the correction for chance, the expected share for 20 trials in 4 bins would be 3 / 19.
  const mean = found.reduce((sum, share) => sum + share, 0) / found.length;
  assert.ok(mean < 0.09, `${mean}`);
});

test('the scale of a parameter does not affect its importance, and equal values stay together', () => {
  const rows = trials(200, 4, ({ a }) => a);
  const steep = rows.map((one) => ({ ...one, parameters: { a: 10 ** (20 * (one.parameters.a as number)) } }));
  assert.equal(shares(steep).a, shares(rows).a);
  const ties = Array.from({ length: 40 }, (_, i) => row(i, { a: i < 35 ? 1 : i }, i < 35 ? 0 : 1));
  near(shares(ties).a, 1, 0.01);
});

test('an interaction is not attributed to any parameter', () => {
  const found = shares(trials(600, 5, ({ a, b }) => (a - 0.5) * (b - 0.5)));
  near(found.a, 0, 0.05);
  near(found.b, 0, 0.05);
});

test('a conditional parameter is judged by the trials that have it', () => {
  const rows = trials(60, 6, ({ a }) => a).map((one, i) =>
    i % 2
      ? { ...one, parameters: { kernel: 'rbf', gamma: one.parameters.a } }
      : { ...one, parameters: { kernel: 'linear' } },
  );
  const gamma = parameterImportance(rows).find(({ name }) => name === 'gamma');
  assert.equal(gamma?.trials, 30);
  assert.ok(gamma.share! > 0.8);
});

test('estimates no importance from too few complete trials or from equal scores', () => {
  const rows = trials(9, 7, ({ a }) => a);
  assert.deepEqual(Object.values(shares(rows)), [null, null, null, null]);
  const pruned = trials(50, 7, ({ a }) => a).map((one, i) => (i < 9 ? one : { ...one, state: 'PRUNED' as const }));
  assert.equal(shares(pruned).a, null);
  assert.equal(shares(trials(50, 7, () => 0.5)).a, null);
  assert.equal(shares(trials(50, 7, ({ a }) => a).map((one) => ({ ...one, parameters: { a: 1 } }))).a, null);
  assert.deepEqual(parameterImportance([]), []);
});
