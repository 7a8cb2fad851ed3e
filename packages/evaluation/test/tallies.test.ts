import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import {
  addTallies,
  METRIC_NAMES,
  METRICS,
  type MetricName,
  metricOfTally,
  type PredictedRows,
  RandomState,
  type TestRows,
  tallyRows,
  testGroups,
} from '../src/index.js';

const CLASSES = 3;

type PairedRows = TestRows & { a: PredictedRows; b: PredictedRows };

const testRows = (metric: MetricName, rows: PairedRows) =>
  testGroups(metric, [tallyRows(rows, rows.a), tallyRows(rows, rows.b)], CLASSES);

/** Returns probabilities of 0.8 for the winner and 0.1 for each other class. */
function predicted(winners: readonly number[]) {
  const probabilities = new Float64Array(winners.length * CLASSES).fill(0.1);
  winners.forEach((winner, row) => {
    probabilities[row * CLASSES + winner] = 0.8;
  });
  return { winners, probabilities };
}

function randomRows(random: RandomState, { groups, size }: { groups: number; size: number }): PairedRows {
  const labels = Array.from({ length: groups * size }, (_, row) => Math.floor(row / size) % CLASSES);
  const guesses = () => predicted(labels.map((label) => (random.randint(3) === 0 ? random.randint(CLASSES) : label)));
  return {
    ...{ classes: CLASSES, labels, groups: labels.map((_, row) => `g${Math.floor(row / size)}`) },
    ...{ a: guesses(), b: guesses() },
  };
}

/** Computes the exact p-value from every exchange of whole groups, directly from the rows. */
function enumerated(rows: PairedRows, metric: (typeof METRIC_NAMES)[number]): number {
  const names = [...new Set(rows.groups)];
  const value = (side: 'a' | 'b', mask: number) => {
    const other = side === 'a' ? 'b' : 'a';
    const matrix = new Float64Array(rows.a.probabilities.length);
    rows.groups.forEach((group, row) => {
      const from = rows[(mask >> names.indexOf(group)) & 1 ? other : side].probabilities;
      matrix.set(from.subarray(row * CLASSES, (row + 1) * CLASSES), row * CLASSES);
    });
    return METRICS[metric].of(rows.labels, matrix, CLASSES);
  };
  const difference = (mask: number) => Math.abs(value('a', mask) - value('b', mask));
  const observed = difference(0);
  let reached = 0;
  for (let mask = 0; mask < 2 ** names.length; mask++) if (difference(mask) >= observed - 1e-12) reached++;
  return reached / 2 ** names.length;
}

test('tallies of groups add up to every metric, and the p-value counts all exchanges of whole groups', () => {
  const random = new RandomState(1);
  for (const metric of METRIC_NAMES) {
    for (let repeat = 0; repeat < 3; repeat++) {
      const rows = randomRows(random, { groups: 8, size: 3 });
      const { pValue, groups } = testRows(metric, rows);
      assert.equal(pValue, enumerated(rows, metric), metric);
      assert.equal(groups, 8);
      for (const model of [rows.a, rows.b]) {
        const pooled = metricOfTally(metric, addTallies(tallyRows(rows, model)), CLASSES);
        assert.ok(Math.abs(pooled - METRICS[metric].of(rows.labels, model.probabilities, CLASSES)) < 1e-12);
      }
    }
  }
});

test('returns no p-value for accuracy if predictions are equal, whatever the probabilities are', () => {
  const rows = randomRows(new RandomState(2), { groups: 40, size: 2 });
  const sure = { ...rows.a, probabilities: rows.a.probabilities.map((p) => (p > 0.5 ? 0.9 : 0.05)) };
  const { pValue, untested, exact } = testRows('accuracy', { ...rows, b: sure });
  assert.deepEqual([pValue, untested, exact], [null, 'no spread', true]);
  assert.notEqual(testRows('logLoss', { ...rows, b: sure }).pValue, null);
});

test('equally good models with different effects on each group differ at 5 % in about 5 % of cases', () => {
  const random = new RandomState(3);
  let below = 0;
  const cases = 200;
  for (let i = 0; i < cases; i++) {
    const labels = Array.from({ length: 200 }, (_, row) => row % CLASSES);
    const groups = labels.map((_, row) => `g${Math.floor(row / 10)}`);
    const model = () => {
      const rates = Array.from({ length: 20 }, () => random.randint(101));
      return predicted(
        labels.map((label, row) => (random.randint(100) < rates[Math.floor(row / 10)] ? label : (label + 1) % CLASSES)),
      );
    };
    const rows = { classes: CLASSES, labels, groups, a: model(), b: model() };
    const { pValue } = testRows('accuracy', rows);
    if (pValue !== null && pValue <= 0.05) below++;
  }
  assert.ok(below / cases > 0.01 && below / cases < 0.09, `${below} of ${cases}`);
});

test('rejects NaN as a probability, which used to result in p = 0', () => {
  const labels = Array.from({ length: 12 }, (_, row) => row % CLASSES);
  const groups = labels.map((_, row) => `g${row % 6}`);
  const [a, b] = [predicted(labels), predicted(labels)];
  a.probabilities.fill(Number.NaN);
  for (const metric of METRIC_NAMES) {
    assert.throws(
      () => testRows(metric, { classes: CLASSES, labels, groups, a, b }),
      (error) => {
        assert.ok(error instanceof CryfoldError);
        assert.equal(error.message, 'group g0: a predicted probability is not a number');
        assert.deepEqual([error.code, error.context], ['PROBABILITIES_INVALID', { group: 'g0' }]);
        return error.hint === 'Train this model again.';
      },
    );
  }
});

test('with a class of one clip, the interval of a difference stays within the possible range', () => {
  const labels = Array.from({ length: 40 }, (_, row) => (row === 0 ? 0 : 1));
  const groups = labels.map((_, row) => `g${row}`);
  const [a, b] = [predicted(labels), predicted(labels.map(() => 1))];
  const { low, high, pValue } = testRows('balancedAccuracy', { classes: CLASSES, labels, groups, a, b });
  assert.deepEqual([high, pValue], [1, 1]);
  assert.ok(low !== null && low >= -1 && low < 0.5);
});
