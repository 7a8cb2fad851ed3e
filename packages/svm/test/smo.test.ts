import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@cryfold/core';
import { crossKernel } from '../src/kernel.js';
import { type BinaryProblem, solveBinary } from '../src/smo.js';
import { simdSpace } from '../src/solver-simd.js';
import { plainSpace, type SolverSpace } from '../src/solver-space.js';
import { binaryOf, coded, type DataSet, goldens, problemOf, rbf } from './problems.js';

interface Golden extends DataSet {
  C: number;
  gamma: number;
  decisions: number[][];
  objectives: number[];
}

const cases = goldens<Golden>('one-vs-rest.json');

/**
 * Checks that a solution is optimal by definition: it is feasible, and no pair of rows violates the optimality
 * conditions by more than the tolerance.
 */
function assertOptimal({ space, signs, upper, tolerance }: BinaryProblem, alpha: Float64Array): void {
  const n = signs.length;
  const scale = Math.max(...upper);
  let balance = 0;
  let [rise, fall] = [Infinity, -Infinity];
  for (let i = 0; i < n; i++) {
    assert.ok(alpha[i] >= 0 && alpha[i] <= upper[i]);
    if (signs[i] === 0) {
      assert.equal(alpha[i], 0);
      continue;
    }
    balance += alpha[i] * signs[i];
    let f = -signs[i];
    for (let j = 0; j < n; j++) f += alpha[j] * signs[j] * space.kernel[i * space.stride + j];
    if (signs[i] > 0 ? alpha[i] < upper[i] : alpha[i] > 0) rise = Math.min(rise, f);
    if (signs[i] > 0 ? alpha[i] > 0 : alpha[i] < upper[i]) fall = Math.max(fall, f);
  }
  assert.ok(Math.abs(balance) < 1e-9 * scale, `sum of alpha * sign is ${balance}`);
  assert.ok(fall - rise < tolerance + 1e-9 * scale, `violation ${fall - rise}`);
}

for (const golden of cases) {
  test(`decisions are within 1e-3 of scikit-learn's, and objectives within 1e-6: ${golden.name}`, () => {
    const problem = problemOf(golden, { C: golden.C });
    const between = crossKernel(problem, rbf(golden.gamma), problem.test, problem.train);
    golden.objectives.forEach((objective, k) => {
      const binary = binaryOf(problem, rbf(golden.gamma), k, 1e-7);
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

  test(`solutions are optimal for C from 1e-3 to 1e6, with active bounds: ${golden.name}`, () => {
    let bound = 0;
    for (const C of [1e-3, 1e-1, 10, 1e3, 1e6]) {
      const binary = binaryOf(problemOf(golden, { C }), rbf(golden.gamma), 0, 1e-3);
      const { alpha } = solveBinary(binary);
      assertOptimal(binary, alpha);
      bound += alpha.filter((a) => a === C).length;
    }
    assert.ok(bound > 0);
  });
}

test('excludes rows with sign 0, so that the solution equals that of the smaller problem', () => {
  const golden = cases[2];
  const problem = problemOf(golden);
  const binary = binaryOf(problem, rbf(golden.gamma), 1, 1e-3);
  const without = (t: number) => t % 3 === 0 || (t > 20 && t < 60);
  binary.signs = binary.signs.map((sign, t) => (without(t) ? 0 : sign));
  const part = { ...problem, train: problem.train.filter((_, t) => !without(t)) };
  const small = solveBinary(binaryOf(part, rbf(golden.gamma), 1, 1e-3));
  const large = solveBinary(binary);
  assertOptimal(binary, large.alpha);
  assert.deepEqual(
    large.alpha.filter((_, t) => !without(t)),
    small.alpha,
  );
  assert.equal(large.objective, small.objective);
});

test('the SIMD passes produce the same bytes as the plain ones, for even and odd sizes and any ranges', () => {
  const random = new Random(3);
  for (const golden of cases) {
    for (const drop of [0, 1, 40]) {
      const problem = problemOf(golden, { C: golden.C });
      problem.train = problem.train.subarray(0, problem.train.length - (drop % 2));
      const from = random.below(20);
      const solve = (space: SolverSpace) => {
        const binary = binaryOf(problem, rbf(golden.gamma), 0, 1e-3, space);
        return solveBinary({ ...binary, signs: binary.signs.map((s, t) => (t >= from && t < from + drop ? 0 : s)) });
      };
      const simd = simdSpace(problem.train.length);
      assert.ok(simd);
      assert.deepEqual(solve(simd), solve(plainSpace(problem.train.length)), `${golden.name}, ${drop} dropped`);
      // A solver space that is larger than the problem, and that still contains values of an earlier fold.
      const large = simdSpace(150);
      large?.kernel.fill(0.5);
      assert.deepEqual(large && solve(large), solve(simd));
    }
  }
});

test('starting from the solution for a smaller C leads to an optimal solution in fewer iterations', () => {
  const golden = cases[1];
  const at = (C: number) => binaryOf(problemOf(golden, { C }), rbf(golden.gamma), 0, 1e-3);
  const before = solveBinary(at(10));
  const cold = solveBinary(at(12));
  const warm = solveBinary({ ...at(12), start: before.alpha });
  assertOptimal(at(12), warm.alpha);
  assert.ok(Math.abs(warm.objective / cold.objective - 1) < 1e-5);
  assert.ok(warm.iterations < cold.iterations, `${warm.iterations} and ${cold.iterations}`);
});

test('each row of an SVM problem can have its own bound', () => {
  const golden = cases[1];
  const binary = binaryOf(problemOf(golden), rbf(golden.gamma), 0, 1e-3);
  binary.upper = binary.upper.map((_, t) => 0.1 + (t % 4));
  const { alpha } = solveBinary(binary);
  assertOptimal(binary, alpha);
  assert.ok(new Set(alpha.filter((a, t) => a === binary.upper[t])).size === 4);
});

test('reports a single class, a C that is NaN, and a failure to converge with error codes', () => {
  const binary = binaryOf(problemOf(cases[1]), rbf(cases[1].gamma), 0, 1e-3);
  assert.throws(() => solveBinary({ ...binary, maxIterations: 3 }), coded('SVM_NOT_CONVERGED'));
  assert.throws(() => solveBinary({ ...binary, upper: binary.upper.map(() => Number.NaN) }), coded('SVM_NOT_FINITE'));
  assert.throws(() => solveBinary({ ...binary, signs: binary.signs.map(() => 1) }), coded('SVM_ONE_CLASS'));
});
