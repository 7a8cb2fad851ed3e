import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRIC_NAMES, METRICS, type PairedRows, pairedGroupTest, RandomState } from '../src/index.js';

const CLASSES = 3;

/** Probabilities of 0.8 for the winner and 0.1 for each other class. */
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

/** Every exchange of whole groups, computed from the rows. */
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

test('the p-value of every metric is that of all exchanges of whole groups', () => {
  const random = new RandomState(1);
  for (const metric of METRIC_NAMES) {
    for (let repeat = 0; repeat < 3; repeat++) {
      const rows = randomRows(random, { groups: 8, size: 3 });
      const { pValue, a, b, groups } = pairedGroupTest(rows, metric);
      const exact = enumerated(rows, metric);
      assert.ok(Math.abs(pValue - exact) < 0.02, `${metric}: ${pValue}, all exchanges ${exact}`);
      assert.ok(Math.abs(a - METRICS[metric].of(rows.labels, rows.a.probabilities, CLASSES)) < 1e-12);
      assert.ok(Math.abs(b - METRICS[metric].of(rows.labels, rows.b.probabilities, CLASSES)) < 1e-12);
      assert.equal(groups, 8);
    }
  }
});

test('five groups never reach 5 %, however large the difference', () => {
  const labels = Array.from({ length: 50 }, (_, row) => row % CLASSES);
  const groups = labels.map((_, row) => `g${row % 5}`);
  const wrong = labels.map((label) => (label + 1) % CLASSES);
  const rows = { classes: CLASSES, labels, groups, a: predicted(labels), b: predicted(wrong) };
  assert.ok(pairedGroupTest(rows, 'accuracy').pValue > 0.05);
});

test('equal models have p 1', () => {
  const rows = randomRows(new RandomState(2), { groups: 6, size: 2 });
  assert.equal(pairedGroupTest({ ...rows, b: rows.a }, 'macroF1').pValue, 1);
});

test('equally good models with effects of their own on each infant differ at 5 % in about 5 % of cases', () => {
  const random = new RandomState(3);
  let below = 0;
  const cases = 400;
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
    if (pairedGroupTest(rows, 'accuracy', { samples: 199, seed: i }).pValue <= 0.05) below++;
  }
  assert.ok(below / cases > 0.02 && below / cases < 0.08, `${below} of ${cases}`);
});
