import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BY, type Listed } from '../src/listed.js';

const one = (metric: Listed['metric'], mean: number | undefined): Listed => ({ date: '', dataset: '', metric, mean });

test('sorts runs by score: accuracy descending, log-loss ascending, runs without a score last', () => {
  const all = [one('logLoss', 1), one('accuracy', undefined), one('accuracy', 0.2), one('logLoss', 0.5)];
  const sorted = [...all, one('accuracy', 0.9)].sort(BY.score).map(({ metric, mean }) => `${metric} ${mean}`);
  assert.deepEqual(sorted, ['accuracy 0.9', 'accuracy 0.2', 'logLoss 0.5', 'logLoss 1', 'accuracy undefined']);
});
