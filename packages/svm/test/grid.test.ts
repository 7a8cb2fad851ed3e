import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitPredictSvm } from '../src/fit-predict.js';
import { svmGrid } from '../src/grid.js';
import { argmax, coded, type DataSet, goldens, problemOf, rowsOf } from './problems.js';

const cases = goldens<DataSet>('one-vs-rest.json');

for (const strategy of ['one-vs-rest', 'one-vs-one'] as const) {
  test(`every cell of a grid predicts like a separate fit: ${strategy}`, () => {
    const set = cases[1];
    const problem = problemOf(set, { strategy, tolerance: 1e-6, classWeight: 'balanced' });
    const swapped = { train: problem.train.subarray(20), test: problem.train.subarray(0, 20) };
    const splits = [{ train: problem.train, test: problem.test }, swapped];
    const cells = svmGrid({ ...problem, splits, gammas: ['scale', 0.1], Cs: [1000, 0.01, 1, 30] });
    assert.deepEqual(
      cells.map(({ gamma, C }) => [gamma, C]),
      ['scale', 0.1].flatMap((gamma) => [0.01, 1, 30, 1000].map((C) => [gamma, C])),
    );
    for (const { gamma, C, predicted } of cells) {
      splits.forEach((split, s) => {
        const innerFolds = Int32Array.from(split.train, (_, t) => t % 3);
        const parameters = { ...problem.parameters, gamma, C };
        const { decisions } = fitPredictSvm({ ...problem, ...split, innerFolds, parameters });
        assert.deepEqual([...predicted[s]], rowsOf(decisions, 3).map(argmax), `gamma ${gamma}, C ${C}`);
      });
    }
  });
}

test('reuses a solution for a larger C only if the solution reached no bound', () => {
  const problem = problemOf(cases[0]);
  const cells = svmGrid({ ...problem, splits: [problem], gammas: ['scale'], Cs: [0.01, 10, 1000, 1e6] });
  assert.ok(cells[0].iterations > 0 && cells[1].iterations > 0);
  assert.deepEqual([cells[2].iterations, cells[3].iterations], [0, 0]);
  assert.deepEqual(cells[3].predicted, cells[1].predicted);
});

test('progress counts every gamma of every split, and a single class is reported with an error code', () => {
  const problem = problemOf(cases[0]);
  const seen: number[] = [];
  svmGrid({
    ...problem,
    ...{ splits: [problem, problem], gammas: ['scale', 'auto'], Cs: [1] },
    onProgress: (done, total) => seen.push(done / total),
  });
  assert.deepEqual(seen, [0.25, 0.5, 0.75, 1]);
  problem.labels.fill(0);
  assert.throws(() => svmGrid({ ...problem, splits: [problem], gammas: [1], Cs: [1] }), coded('SVM_ONE_CLASS'));
});
