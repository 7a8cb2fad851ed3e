import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunResults } from '@cryfold/evaluation';
import { resultHints } from '../src/result-hints.js';

/** Results of two estimators: one is better by accuracy, the other by log-loss. */
function resultsBy(metric: string, sure: object = {}): RunResults {
  const model = (name: string, accuracy: number, logLoss: number) => ({
    ...{ name, accuracy: { mean: accuracy }, logLoss: { mean: logLoss } },
  });
  return {
    ...{ run: { id: 'two-1', name: 'two' }, status: 'complete', comparisons: [] },
    spec: { metric, estimators: { sure, careful: {} }, fusion: {} },
    models: [model('sure', 0.8, 2), model('careful', 0.7, 0.5)],
  } as unknown as RunResults;
}

test('suggests train-final for the best model by the metric of the run', () => {
  assert.match(resultHints(resultsBy('accuracy'))[0], /train-final two-1 --of sure$/);
  assert.match(resultHints(resultsBy('logLoss'))[0], /train-final two-1 --of careful$/);
});

test('does not suggest train-final for a model that cannot be saved', () => {
  const command = { kind: 'command', run: ['./train'] };
  const results = resultsBy('accuracy', command);
  assert.match(resultHints(results)[0], /train-final two-1 --of careful$/);
  const alone = { spec: { ...results.spec, estimators: { sure: command } }, models: results.models.slice(0, 1) };
  assert.deepEqual(resultHints({ ...results, ...alone }), []);
});
