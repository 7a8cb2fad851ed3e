import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TrialRow, trialOrder } from '../src/index.js';

function row(trial: string, folds: number, mean: number | null, more: Partial<TrialRow> = {}): TrialRow {
  const figures = { mean, standardDeviation: null, low: null, high: null };
  return { trial, base: 'svm', state: 'PRUNED', reason: '', parameters: {}, folds, planned: 10, ...figures, ...more };
}
const sorted = (rows: TrialRow[], metric: Parameters<typeof trialOrder>[0] = 'accuracy') =>
  rows.toSorted(trialOrder(metric, ['net', 'svm'])).map(({ trial }) => trial);

test('ranks trials only among trials with equal folds and epochs', () => {
  const epochs = (trained: number) => ({ base: 'net', epochs: { trained, planned: 27 } });
  const rows = [
    ...[row('lucky fold', 1, 0.99), row('no fold', 0, null), row('worse', 10, 0.6), row('better', 10, 0.7)],
    ...[row('net, short', 10, 0.9, epochs(3)), row('net, long', 10, 0.5, epochs(27))],
  ];
  assert.deepEqual(sorted(rows), ['net, long', 'net, short', 'better', 'worse', 'lucky fold', 'no fold']);
});

test('a smaller log-loss and a larger macro F1 come first', () => {
  const rows = [row('a', 5, 0.3), row('b', 5, 0.2), row('c', 5, 0.4)];
  assert.deepEqual(sorted(rows, 'logLoss'), ['b', 'a', 'c']);
  assert.deepEqual(sorted(rows, 'macroF1'), ['c', 'a', 'b']);
});
