import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pixelMoments, squaredDistances } from '../src/distances.js';
import { fitPredictSvm, type SvmProblem } from '../src/fit-predict.js';
import { argmax, coded, type DataSet, goldens, problemOf, rowsOf } from './problems.js';

interface Golden extends DataSet {
  C: number;
  gamma: number;
  decisions: number[][];
}

const cases = goldens<Golden>('one-vs-rest.json');

for (const golden of cases) {
  test(`labels and gamma equal scikit-learn's: ${golden.name}`, () => {
    const problem = problemOf(golden, { C: golden.C });
    const result = fitPredictSvm(problem);
    assert.ok(Math.abs(result.gamma / golden.gamma - 1) < 1e-12);
    const ours = rowsOf(result.decisions, problem.classCount);
    assert.deepEqual(ours.map(argmax), golden.decisions.map(argmax));
    for (const row of rowsOf(result.probabilities, problem.classCount)) {
      assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-12);
      assert.ok(row.every((p) => p >= 0 && p <= 1));
    }
  });
}

test('equal inputs produce equal bytes, and progress counts every solved problem', () => {
  const seen: number[] = [];
  const problem = problemOf(cases[2]);
  problem.onProgress = (done, total) => {
    assert.equal(total, 18);
    seen.push(done);
  };
  assert.deepEqual(fitPredictSvm(problem), fitPredictSvm(problemOf(cases[2])));
  assert.deepEqual(
    seen,
    Array.from({ length: 18 }, (_, k) => k + 1),
  );
});

test('a preceding larger fold does not change the bytes of a fold', () => {
  const problem = problemOf(cases[2]);
  const small = { ...problem, train: problem.train.subarray(0, 61), innerFolds: problem.innerFolds!.subarray(0, 61) };
  const alone = fitPredictSvm(small);
  fitPredictSvm(problem);
  assert.deepEqual(fitPredictSvm(small), alone);
});

for (const calibration of ['platt', 'temperature'] as const) {
  for (const strategy of ['one-vs-rest', 'one-vs-one'] as const) {
    test(`probabilities are better than the class shares: ${strategy}, ${calibration}`, () => {
      const golden = cases[2];
      const { probabilities } = fitPredictSvm(problemOf(golden, { calibration, strategy }));
      const losses = rowsOf(probabilities, 3).map((row, i) => -Math.log(row[golden.labels[golden.test[i]]]));
      const mean = losses.reduce((a, b) => a + b) / losses.length;
      assert.ok(mean < Math.log(3) - 0.2, `log-loss ${mean}`);
    });

    test(`a class without training rows has probability 0 and decision -Infinity: ${strategy}, ${calibration}`, () => {
      // The same problem with labels 0, 1 and 3 of four classes, so that class 2 has no rows.
      const problem = problemOf(cases[0], { calibration, strategy });
      const three = fitPredictSvm(problem);
      const labels = problem.labels.map((label) => (label === 2 ? 3 : label));
      const four = fitPredictSvm({ ...problem, labels, classCount: 4 });
      const [ours, plain] = [rowsOf(four.probabilities, 4), rowsOf(three.probabilities, 3)];
      ours.forEach((row, i) => {
        assert.deepEqual([row[0], row[1], row[3]], [...plain[i]]);
        assert.equal(row[2], 0);
        assert.equal(four.decisions[4 * i + 2], -Infinity);
        assert.equal(four.decisions[4 * i + 3], three.decisions[3 * i + 2]);
      });
    });

    test(`a class in a single inner fold is still calibrated: ${strategy}, ${calibration}`, () => {
      const problem = problemOf(cases[0], { calibration, strategy });
      problem.innerFolds = Int32Array.from(problem.train, (row) => problem.labels[row]);
      const { probabilities } = fitPredictSvm(problem);
      assert.ok(probabilities.every((p) => p >= 0 && p <= 1));
    });
  }
}

test('reports a single class, non-finite values and unknown class names with error codes', () => {
  const one = problemOf(cases[0]);
  one.labels.fill(2);
  assert.throws(() => fitPredictSvm(one), coded('SVM_ONE_CLASS'));
  assert.throws(() => fitPredictSvm(problemOf(cases[0], { C: Infinity })), coded('SVM_NOT_FINITE'));
  assert.throws(() => fitPredictSvm(problemOf(cases[0], { gamma: Number.NaN })), coded('SVM_NOT_FINITE'));
  assert.throws(
    () => fitPredictSvm(problemOf(cases[0], { kernel: 'poly', gamma: 1e200, degree: 3 })),
    coded('SVM_NOT_FINITE'),
  );
  const outside = problemOf(cases[0]);
  outside.train[3] = 1e6;
  outside.labels = Int32Array.from({ length: 1e6 + 1 }, (_, k) => outside.labels[k] ?? 0);
  assert.throws(() => fitPredictSvm(outside), coded('SVM_NOT_FINITE'));
  const named = problemOf(cases[0], { classWeight: { hunger: 2 } });
  assert.throws(() => fitPredictSvm({ ...named, classNames: ['a', 'b', 'c'] }), coded('SPEC_INVALID'));
  // After these failures, a valid fold must still be computed correctly, so they must not leave any state behind.
  assert.ok(fitPredictSvm(problemOf(cases[0])).probabilities.every(Number.isFinite));
});

test('returns probabilities even for equal images', () => {
  const rows = 12;
  const images = new Uint8Array(rows * 5).fill(9);
  const problem: SvmProblem = {
    ...problemOf(cases[0]),
    distances: squaredDistances(images, rows, 5),
    moments: pixelMoments(images, rows, 5),
    columns: 5,
    labels: Int32Array.from({ length: rows }, (_, k) => k % 3),
    train: Int32Array.from({ length: 9 }, (_, k) => k),
    test: Int32Array.of(9, 10, 11),
    innerFolds: Int32Array.from({ length: 9 }, (_, k) => Math.floor(k / 3)),
  };
  const { probabilities, gamma } = fitPredictSvm(problem);
  assert.equal(gamma, 1);
  assert.ok(
    probabilities.every((p) => Math.abs(p - 1 / 3) < 1e-6),
    String(probabilities),
  );
});
