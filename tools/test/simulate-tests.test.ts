import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

test('the test by group finds a difference between equal models in about 5 % of runs, the t-test over folds in more; intervals contain the truth', async () => {
  const tool = fileURLToPath(new URL('../src/simulate-tests.js', import.meta.url));
  const sizes = ['--runs', '120', '--corpora', '20x30', '--effects', '0.5', '--repeats', '2'];
  const intervals = ['--samples', '300', '--groups', '5,10'];
  const { stdout } = await promisify(execFile)(process.execPath, [tool, '--json', ...sizes, ...intervals]);
  const found = JSON.parse(stdout);
  for (const { folds, correctedT, byGroup, coverage } of found.tests) {
    // 120 runs at 5 %: 11 % is three standard errors above.
    assert.ok(byGroup.share <= 0.11, `${folds} folds: ${byGroup.share}`);
    assert.ok(coverage.share >= 0.86, `${folds} folds: ${coverage.share}`);
    if (folds === 'random') assert.ok(correctedT.share > byGroup.share + 0.05, `the t-test: ${correctedT.share}`);
  }
  for (const { groups, accuracy, balancedAccuracy, macroF1 } of found.intervals) {
    // With 5 groups, percentiles of a bootstrap contained the truth in only 70 to 86 %.
    for (const { share } of [accuracy, balancedAccuracy, macroF1]) assert.ok(share > 0.9, `${groups} groups: ${share}`);
  }
});
