import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitPredictSvm } from '../src/index.js';
import { upperBounds } from '../src/machines.js';
import { type DataSet, goldens, problemOf } from './problems.js';

const [data] = goldens<DataSet>('one-vs-rest.json');

for (const strategy of ['one-vs-rest', 'one-vs-one'] as const) {
  for (const calibration of ['platt', 'temperature'] as const) {
    test(`returns uncalibrated probabilities for one training clip per class: ${strategy}, ${calibration}`, () => {
      const problem = problemOf(data, { strategy, calibration });
      const train = Int32Array.from(new Set(problem.labels), (label) => problem.labels.indexOf(label));
      const result = fitPredictSvm({ ...problem, train, innerFolds: undefined });
      const calibrated = fitPredictSvm({ ...problem, train, innerFolds: train.map((_, i) => i) });
      assert.deepEqual(result.decisions, calibrated.decisions, 'calibration does not affect the decisions');
      const { classCount } = problem;
      problem.test.forEach((_, row) => {
        const own = result.probabilities.subarray(row * classCount, (row + 1) * classCount);
        const decisions = result.decisions.subarray(row * classCount, (row + 1) * classCount);
        const powers = decisions.map(Math.exp);
        const total = powers.reduce((a, b) => a + b);
        for (const [k, p] of own.entries()) assert.ok(Math.abs(p - powers[k] / total) < 1e-12, String(p));
      });
    });
  }
}

test('a class named constructor has only the weight that the spec assigns to it', () => {
  const names = ['constructor', 'toString', '__proto__', 'hunger'];
  const labels = Int32Array.of(0, 1, 2, 3);
  const role = { positive: 0, negative: 'rest' } as const;
  const bounds = (classWeight: Record<string, number>) => [...upperBounds({ C: 10, classWeight }, role, labels, names)];
  assert.deepEqual(bounds({ hunger: 2 }), [10, 10, 10, 20]);
  assert.deepEqual(bounds({ constructor: 3 }), [30, 10, 10, 10]);
  assert.throws(() => bounds({ valueOf: 3 }), /there is no class valueOf/);
});
