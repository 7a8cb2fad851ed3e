import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fitTree, predictRow, sortRows } from '../src/audit/decision-tree.js';

interface Case {
  name: string;
  classes: number;
  maxDepth: number;
  minLeaf: number;
  labels: number[];
  columns: number[][];
  train: number[];
  predicted: number[];
}

const { cases } = JSON.parse(readFileSync(new URL('../../test/goldens/tree.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

function predict({ columns: values, labels, train, ...options }: Case): number[] {
  const columns = values.map((column) => Float64Array.from(column));
  const inTrain = new Set(train);
  const orders = columns.map((column) => sortRows(column).filter((row) => inTrain.has(row)));
  const tree = fitTree(columns, orders, Int32Array.from(labels), options);
  return labels.map((_, row) => predictRow(tree, columns, row));
}

const accuracy = (predicted: readonly number[], labels: readonly number[], rows: readonly number[]) =>
  rows.filter((row) => predicted[row] === labels[row]).length / rows.length;

for (const one of cases) {
  test(`a tree is as accurate as scikit-learn’s: ${one.name}`, () => {
    const { labels, train, predicted: oracle } = one;
    const predicted = predict(one);
    const trained = new Set(train);
    const rest = labels.map((_, row) => row).filter((row) => !trained.has(row));
    for (const rows of [train, rest]) {
      const [own, theirs] = [accuracy(predicted, labels, rows), accuracy(oracle, labels, rows)];
      assert.ok(Math.abs(own - theirs) <= 0.01, `${own} against ${theirs}`);
    }
    const equal = predicted.filter((label, row) => label === oracle[row]).length;
    assert.ok(equal >= 0.98 * labels.length, `${equal} of ${labels.length} rows are predicted alike`);
  });
}

test('a tree keeps splitting a column that orders eight classes until each class has its own leaf', () => {
  const labels = Array.from({ length: 40 }, (_, row) => row % 8);
  const one = { name: '', classes: 8, maxDepth: 3, minLeaf: 3, labels, columns: [labels], train: [...labels.keys()] };
  assert.deepEqual(predict({ ...one, predicted: [] }), labels);
});
