import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, type ErrorCode, type SvmParameters } from '@cryfold/core';
import { pixelMoments, squaredDistances } from '../src/distances.js';
import { fitPredictSvm, type SvmProblem } from '../src/fit-predict.js';
import { rbfKernel } from '../src/kernel.js';
import { solveWithMlSvm } from '../src/ml-svm.js';
import { type BinaryProblem, solveBinary } from '../src/smo.js';
import { goldens } from './golden-file.js';

interface Golden {
  name: string;
  C: number;
  columns: number;
  pixels: string;
  labels: number[];
  train: number[];
  test: number[];
  gamma: number;
  decisions: number[][];
  objectives: number[];
}

function problemOf(golden: Golden, parameters: Partial<SvmParameters> = {}): SvmProblem {
  const images = new Uint8Array(Buffer.from(golden.pixels, 'base64'));
  const rows = golden.labels.length;
  return {
    distances: squaredDistances(images, rows, golden.columns),
    moments: pixelMoments(images, rows, golden.columns),
    columns: golden.columns,
    labels: Int32Array.from(golden.labels),
    classCount: Math.max(...golden.labels) + 1,
    train: Int32Array.from(golden.train),
    test: Int32Array.from(golden.test),
    innerFolds: Int32Array.from(golden.train, (_, k) => k % 5),
    parameters: { kind: 'svm', kernel: 'rbf', C: golden.C, gamma: 'scale', engine: 'cryfold', ...parameters },
    seed: 1,
  };
}

const cases = goldens<Golden>('one-vs-rest.json');
const argmax = (row: ArrayLike<number>) => Array.from(row).indexOf(Math.max(...Array.from(row)));
const rowsOf = (matrix: Float64Array, columns: number) =>
  Array.from({ length: matrix.length / columns }, (_, i) => matrix.subarray(i * columns, (i + 1) * columns));
const coded = (code: ErrorCode) => (error: unknown) => error instanceof CryfoldError && error.code === code;

function binaryOf(problem: SvmProblem, gamma: number, positive: number, tolerance: number): BinaryProblem {
  const { train, labels, parameters } = problem;
  return {
    kernel: rbfKernel(problem.distances, gamma, train, train),
    signs: Int8Array.from(train, (row) => (labels[row] === positive ? 1 : -1)),
    upper: new Float64Array(train.length).fill(parameters.C),
    tolerance,
  };
}

for (const golden of cases) {
  test(`labels and gamma are scikit-learn's: ${golden.name}`, () => {
    const problem = problemOf(golden);
    const result = fitPredictSvm(problem);
    assert.ok(Math.abs(result.gamma / golden.gamma - 1) < 1e-12);
    const ours = rowsOf(result.decisions, problem.classCount);
    assert.deepEqual(ours.map(argmax), golden.decisions.map(argmax));
    for (const row of rowsOf(result.probabilities, problem.classCount)) {
      assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-12);
      assert.ok(row.every((p) => p >= 0 && p <= 1));
    }
  });

  test(`decisions within 1e-3 and objectives within 1e-6 of scikit-learn: ${golden.name}`, () => {
    const problem = problemOf(golden);
    const between = rbfKernel(problem.distances, golden.gamma, problem.test, problem.train);
    golden.objectives.forEach((objective, k) => {
      const binary = binaryOf(problem, golden.gamma, k, 1e-7);
      const solution = solveBinary(binary);
      assert.ok(Math.abs(solution.objective / objective - 1) < 1e-6, `class ${k}: ${solution.objective} ${objective}`);
      golden.decisions.forEach((row, i) => {
        let decision = solution.bias;
        binary.signs.forEach((sign, t) => {
          decision += solution.alpha[t] * sign * between[i * binary.signs.length + t];
        });
        assert.ok(Math.abs(decision - row[k]) < 1e-3, `class ${k}, row ${i}: ${decision} ${row[k]}`);
      });
    });
  });

  test(`the solution satisfies the optimality conditions: ${golden.name}`, () => {
    const problem = problemOf(golden);
    const binary = binaryOf(problem, golden.gamma, 0, 1e-3);
    const { alpha } = solveBinary(binary);
    const n = alpha.length;
    let balance = 0;
    let [rise, fall] = [Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      assert.ok(alpha[i] >= 0 && alpha[i] <= golden.C);
      balance += alpha[i] * binary.signs[i];
      let f = -binary.signs[i];
      for (let j = 0; j < n; j++) f += alpha[j] * binary.signs[j] * binary.kernel[i * n + j];
      if (binary.signs[i] > 0 ? alpha[i] < golden.C : alpha[i] > 0) rise = Math.min(rise, f);
      if (binary.signs[i] > 0 ? alpha[i] > 0 : alpha[i] < golden.C) fall = Math.max(fall, f);
    }
    assert.ok(Math.abs(balance) < 1e-9 * golden.C);
    assert.ok(fall - rise < 1e-3 + 1e-9 * golden.C, `${fall - rise}`);
  });
}

test('equal inputs give equal bytes, and progress counts every solve', () => {
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

test('probabilities rank held-out clips by what is true of them', () => {
  const golden = cases[2];
  const problem = problemOf(golden);
  const { probabilities } = fitPredictSvm(problem);
  const priors = golden.test.map(() => Math.log(1 / 3));
  const logs = rowsOf(probabilities, 3).map((row, i) => Math.log(row[golden.labels[golden.test[i]]]));
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  assert.ok(mean(logs) > mean(priors) + 0.2, `${mean(logs)}`);
});

test('a class without training rows has probability 0 and decision -Infinity', () => {
  const problem = problemOf(cases[0]);
  problem.classCount = 4;
  const four = fitPredictSvm(problem);
  const three = fitPredictSvm(problemOf(cases[0]));
  rowsOf(four.probabilities, 4).forEach((row, i) => {
    assert.equal(row[3], 0);
    assert.deepEqual(row.slice(0, 3), three.probabilities.slice(3 * i, 3 * i + 3));
    assert.equal(four.decisions[4 * i + 3], -Infinity);
  });
  assert.deepEqual(four.iterations, [...three.iterations, 0]);
});

test('a class that lies in one inner fold alone is still calibrated', () => {
  const problem = problemOf(cases[0]);
  problem.innerFolds = Int32Array.from(problem.train, (row) => problem.labels[row]);
  const { probabilities } = fitPredictSvm(problem);
  assert.ok(probabilities.every((p) => p >= 0 && p <= 1));
});

test('coded errors: one class, NaN, no convergence', () => {
  const one = problemOf(cases[0]);
  one.labels.fill(2);
  assert.throws(() => fitPredictSvm(one), coded('SVM_ONE_CLASS'));
  const infinite = problemOf(cases[0], { C: Infinity });
  assert.throws(() => fitPredictSvm(infinite), coded('SVM_NOT_FINITE'));
  assert.throws(() => fitPredictSvm(problemOf(cases[0], { gamma: Number.NaN })), coded('SVM_NOT_FINITE'));
  const outside = problemOf(cases[0]);
  outside.train[3] = 1e6;
  assert.throws(() => fitPredictSvm(outside), coded('SVM_NOT_FINITE'));
  const slow = { ...binaryOf(problemOf(cases[1]), cases[1].gamma, 0, 1e-3), maxIterations: 3 };
  assert.throws(() => solveBinary(slow), coded('SVM_NOT_CONVERGED'));
});

test('images that are all equal still give probabilities', () => {
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
    innerFolds: Int32Array.from({ length: 9 }, (_, k) => k % 3),
  };
  const { probabilities, gamma } = fitPredictSvm(problem);
  assert.equal(gamma, 1);
  assert.ok(probabilities.every((p) => Math.abs(p - 1 / 3) < 1e-6));
});

test('ml-svm behind the same interface agrees with our solver', () => {
  for (const golden of cases.slice(0, 3)) {
    const problem = problemOf(golden);
    const ours = fitPredictSvm(problem);
    const theirs = fitPredictSvm(problemOf(golden, { engine: 'ml-svm' }));
    const labels = (result: typeof ours) => rowsOf(result.decisions, 3).map(argmax);
    const different = labels(ours).filter((label, i) => label !== labels(theirs)[i]).length;
    assert.ok(different <= 1, `${golden.name}: ${different} labels differ`);
    theirs.objective.forEach((objective, k) => {
      assert.ok(Math.abs(objective / ours.objective[k] - 1) < 1e-4, `${objective} ${ours.objective[k]}`);
    });
  }
});

test("ml-svm's own failure to converge is a coded error", () => {
  const golden = cases.find(({ name }) => name === 'duplicates') ?? cases[0];
  const binary = binaryOf(problemOf(golden, { C: 1e6 }), golden.gamma, 0, 1e-3);
  assert.ok(solveBinary(binary).iterations < 1e4);
  assert.throws(() => solveWithMlSvm(binary, 1), coded('SVM_NOT_CONVERGED'));
});
