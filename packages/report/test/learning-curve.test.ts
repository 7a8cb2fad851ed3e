import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learningCurve } from '../src/html/charts.js';

const point = { epoch: 1, loss: 0.25, accuracy: 0.5, testLoss: 0.75, testAccuracy: 0.6, seconds: 1 };
const textOf = (metric: 'accuracy' | 'logLoss' | 'macroF1') =>
  learningCurve({ name: 'cnn', index: 0, folds: [[point]], metric }).text;

test('shows the log-loss in a learning curve if it is the metric of the run', () => {
  assert.match(textOf('logLoss'), /Mean log-loss after the last of 1 epoch: training 0\.2500, test 0\.7500\./);
  assert.match(textOf('logLoss'), /mean over 1 fold;/);
});

test('shows the accuracy in a learning curve if epochs do not record the metric of the run', () => {
  for (const metric of ['accuracy', 'macroF1'] as const) {
    assert.match(
      textOf(metric),
      /Mean accuracy after the last of 1 epoch: training 50\.0 percent, test 60\.0 percent\./,
    );
  }
});
