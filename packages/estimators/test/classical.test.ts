import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { casesOf, fit, goldens, largestDifference, predictAgain, trainingData } from './classical-problems.js';

/** By kind: the largest difference to scikit-learn. Machines stop at a violation of 1e-3, as scikit-learn's do by default. */
const TOLERANCES = {
  'logistic-regression': 1e-5,
  'k-nearest-neighbours': 1e-9,
  'random-forest': 1e-9,
  'gradient-boosting': 1e-9,
  'linear-svm': 1e-2,
};

for (const [kind, tolerance] of Object.entries(TOLERANCES)) {
  for (const { name, data, parameters, answers } of casesOf(kind)) {
    test(`${kind} equals scikit-learn: ${name}`, async () => {
      const { probabilities, decisions } = await fit({ kind, ...parameters }, trainingData(goldens.data[data]));
      const difference = largestDifference((decisions ?? probabilities).data, answers);
      // Of 4,000 trees that draw otherwise, a mean has a standard error of at most 0.008.
      const allowed = parameters.trees === 4000 ? 0.04 : tolerance;
      assert.ok(difference < allowed, `differs by ${difference}`);
    });
  }
}

const KINDS = Object.keys(TOLERANCES);
/** Columns of very different size keep a solver of machines busy for long. */
const entryOf = (kind: string) => (kind === 'linear-svm' ? { kind, standardise: true } : { kind });

for (const kind of KINDS) {
  test(`${kind}: equal folds give equal bytes, in a fresh engine, too`, async () => {
    for (const data of Object.values(goldens.data)) {
      const [a, b] = await Promise.all([
        fit(entryOf(kind), trainingData(data)),
        fit(entryOf(kind), trainingData(data)),
      ]);
      assert.deepEqual(a.probabilities, b.probabilities);
      assert.deepEqual(a.decisions, b.decisions);
    }
  });

  test(`${kind}: rows are probabilities, and a class without training clips has none`, async () => {
    const data = trainingData(goldens.data.grey, 5);
    const { probabilities } = await fit(entryOf(kind), data);
    assert.deepEqual([probabilities.rows, probabilities.columns], [data.test.length, 5]);
    for (let i = 0; i < probabilities.rows; i++) {
      const row = probabilities.data.subarray(5 * i, 5 * i + 5);
      assert.ok(Math.abs(row.reduce((sum, one) => sum + one) - 1) < 1e-9);
      assert.ok(row.every((one) => one >= 0));
      assert.deepEqual([...row.subarray(3)], [0, 0]);
    }
  });

  test(`${kind}: the kept model predicts what the fold did`, async () => {
    for (const name of ['grey', 'vectors']) {
      const data = trainingData(goldens.data[name], 4);
      const outcome = await fit(entryOf(kind), data);
      const again = await predictAgain(kind, outcome, data);
      assert.ok(largestDifference(again.probabilities, outcome.probabilities.data) < 1e-12);
      assert.equal(again.decisions === undefined, outcome.decisions === undefined);
      if (again.decisions) assert.ok(largestDifference(again.decisions, outcome.decisions?.data ?? []) < 1e-9);
    }
  });

  test(`${kind}: a model of all clips is trained without test clips`, async () => {
    const data = trainingData(goldens.data.vectors);
    const all = Int32Array.from(data.labels, (_, i) => i);
    const outcome = await fit(entryOf(kind), data, { train: all, test: new Int32Array() });
    assert.equal(outcome.probabilities.data.length, 0);
    const { probabilities } = await predictAgain(kind, outcome, data);
    assert.equal(probabilities.length, data.test.length * 3);
  });
}

for (const kind of ['logistic-regression', 'k-nearest-neighbours', 'linear-svm']) {
  test(`${kind}: test clips decide nothing about the standardisation`, async () => {
    const set = goldens.data.vectors;
    const entry = { kind, standardise: true };
    const far = trainingData({
      ...set,
      rows: set.rows.map((value, i) => (Math.floor(i / set.columns) === 0 ? value + 1e4 : value)),
    });
    const [plain, moved] = [await fit(entry, trainingData(set)), await fit(entry, far)];
    // The first test clip has moved, and no other one feels it.
    assert.deepEqual(plain.probabilities.data.slice(3), moved.probabilities.data.slice(3));
  });
}

test('more neighbours than training clips: all count, and the fold says so', async () => {
  const data = trainingData(goldens.data.two);
  const { probabilities, environment } = await fit({ kind: 'k-nearest-neighbours', neighbours: 1000 }, data);
  assert.match(environment.note, /all 45 training clips/);
  assert.equal(new Set(probabilities.data).size, 2);
});

test('a linear SVM that does not converge advises to standardise', () =>
  assert.rejects(
    fit({ kind: 'linear-svm', C: 1e6 }, trainingData(goldens.data.vectors)),
    (error) =>
      error instanceof CryfoldError && error.code === 'SVM_NOT_CONVERGED' && /standardise/.test(`${error.hint}`),
  ));
