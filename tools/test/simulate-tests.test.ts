import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

test('tests by group err in about 5 % of cases, t-tests over folds more often, and intervals are valid', async () => {
  const tool = fileURLToPath(new URL('../src/simulate-tests.js', import.meta.url));
  const sizes = ['--runs', '120', '--corpora', '20x30', '--effects', '0.5', '--repeats', '2'];
  const intervals = ['--samples', '300', '--groups', '5,10'];
  const { stdout } = await promisify(execFile)(process.execPath, [tool, '--json', ...sizes, ...intervals]);
  const found = JSON.parse(stdout);
  for (const { folds, correctedT, byGroup, coverage } of found.tests) {
    // With 120 runs, 11 % is three standard errors above 5 %.
    assert.ok(byGroup.share <= 0.11, `${folds} folds: ${byGroup.share}`);
    assert.ok(coverage.share >= 0.86, `${folds} folds: ${coverage.share}`);
    if (folds === 'random') assert.ok(correctedT.share > byGroup.share + 0.05, `the t-test: ${correctedT.share}`);
  }
  for (const { groups, accuracy, balancedAccuracy, macroF1 } of found.intervals) {
    // With 5 groups, bootstrap percentile intervals contained the truth in only 70 to 86 % of the simulations.
    for (const { share } of [accuracy, balancedAccuracy, macroF1]) assert.ok(share > 0.9, `${groups} groups: ${share}`);
  }
});
