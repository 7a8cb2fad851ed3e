import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitPredictSvm } from '../src/fit-predict.js';
import { solveWithMlSvm } from '../src/ml-svm.js';
import { solveBinary } from '../src/smo.js';
import { argmax, binaryOf, coded, type DataSet, goldens, problemOf, rbf, rowsOf } from './problems.js';

const cases = goldens<DataSet & { C: number; gamma: number }>('one-vs-rest.json');

test('ml-svm agrees with cryfold’s own solver', () => {
  for (const golden of cases.slice(0, 3)) {
    const problem = problemOf(golden, { C: golden.C });
    const ours = fitPredictSvm(problem);
    const theirs = fitPredictSvm({ ...problem, parameters: { ...problem.parameters, engine: 'ml-svm' } });
    const labels = (result: typeof ours) => rowsOf(result.decisions, 3).map(argmax);
    const different = labels(ours).filter((label, i) => label !== labels(theirs)[i]).length;
    assert.ok(different <= 1, `${golden.name}: ${different} labels differ`);
    theirs.objective.forEach((objective, k) => {
      assert.ok(Math.abs(objective / ours.objective[k] - 1) < 1e-4, `${objective} ${ours.objective[k]}`);
    });
  }
});

test("reports ml-svm's own failure to converge with an error code", () => {
  const golden = cases.find(({ name }) => name === 'duplicates') ?? cases[0];
  const binary = binaryOf(problemOf(golden, { C: 1e6 }), rbf(golden.gamma), 0, 1e-3);
  assert.ok(solveBinary(binary).iterations < 1e4);
  assert.throws(() => solveWithMlSvm(binary, 1), coded('SVM_NOT_CONVERGED'));
});

test('reports an ml-svm solution beyond the bounds with an error code, and never returns it', () => {
  const golden = cases.find(({ name }) => name === 'duplicates') ?? cases[0];
  const binary = binaryOf(problemOf(golden, { C: 0.01 }), rbf(golden.gamma), 0, 1e-3);
  let refused = 0;
  for (let seed = 0; seed < 20; seed++) {
    try {
      const { alpha } = solveWithMlSvm(binary, seed);
      assert.ok(alpha.every((value) => value >= 0 && value <= 0.01 * (1 + 1e-9)));
    } catch (error) {
      assert.ok(coded('SVM_NOT_CONVERGED')(error), String(error));
      refused++;
    }
  }
  assert.ok(refused > 0 && refused < 20, `${refused} of 20 seeds`);
});

test('rejects class weights with ml-svm', () => {
  const weighted = problemOf(cases[0], { engine: 'ml-svm', classWeight: 'balanced' });
  weighted.train = weighted.train.subarray(0, weighted.train.length - 1);
  assert.throws(() => fitPredictSvm(weighted), coded('SPEC_INVALID'));
});
