import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunProgress, SearchProgress } from '@cryfold/coordinator';
import { progressLine } from '../src/progress.js';

const progress: RunProgress = {
  ...{ run: 'r', total: 8, done: 3, failed: 0, found: 0, trials: {}, active: [], etaSeconds: null, phase: 'folds' },
};
const states = { RUNNING: 2, COMPLETE: 1, PRUNED: 0, FAILED: 0 };
const line = (search: Omit<SearchProgress, 'states'>) => progressLine({ ...progress, search: { states, ...search } });

test('the progress of a sweep names the metric and the folds and epochs of its best trial', () => {
  const best = { trial: 'svm-001', mean: 0.48546, folds: 3 };
  assert.match(
    line({ metric: 'balancedAccuracy', best }),
    /trials: 2 running, 1 complete · best svm-001, balanced accuracy 48\.55 % \(3 folds\) · /,
  );
  const epochs = { trained: 2, planned: 8 };
  assert.match(line({ metric: 'logLoss', best: { ...best, epochs } }), /log-loss 0\.4855 \(3 folds, 2 epochs\)/);
  assert.match(line({ metric: 'logLoss', best: null }), /1 complete · 0 running/);
  assert.match(line({ best }), /best svm-001, 0\.4855 \(3 folds\)/, 'of an earlier version’s coordinator');
});
