import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, inOrder } from '../src/page/table.js';

interface Row {
  metric: string;
  score: number | null;
}

test('sorts scores by metric in either direction, and rows without a score last', () => {
  const column: Column<Row> = { name: 'Score', key: ({ score }) => score, group: ({ metric }) => metric };
  const rows = [
    { metric: 'log-loss', score: -0.5 },
    { metric: 'accuracy', score: null },
    { metric: 'accuracy', score: 0.7 },
    { metric: 'log-loss', score: -0.2 },
    { metric: 'accuracy', score: 0.9 },
  ];
  const texts = (sign: 1 | -1) => inOrder(rows, column, sign).map(({ metric, score }) => `${metric} ${score}`);
  assert.deepEqual(texts(-1), ['accuracy 0.9', 'accuracy 0.7', 'log-loss -0.2', 'log-loss -0.5', 'accuracy null']);
  assert.deepEqual(texts(1), ['accuracy 0.7', 'accuracy 0.9', 'log-loss -0.5', 'log-loss -0.2', 'accuracy null']);
});

test('sorts names by the numbers in them', () => {
  const column: Column<string> = { name: 'Trial', key: (row) => row };
  assert.deepEqual(inOrder(['svm-10', 'svm-9', 'knn-2'], column, 1), ['knn-2', 'svm-9', 'svm-10']);
});
